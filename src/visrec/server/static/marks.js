// What is liked and disliked: of a person it goes to the server's log, of nobody it stays in the address.

import * as api from "./api.js";
import { announce } from "./dom.js";
import { go, onChange, read } from "./state.js";
import { t } from "./strings.js";

const MOST = 200;
const theirs = new Map();
const told = new EventTarget();
let owner = "";
/** Counts what a person said, so that lists know that they are old. */
let said = 0;

/** "like", "dislike" or undefined. */
export function markOf(itemId) {
  const state = read();
  if (state.user) return theirs.get(itemId);
  if (state.like.includes(itemId)) return "like";
  return state.dislike.includes(itemId) ? "dislike" : undefined;
}

/** Differs whenever a person said something. */
export const version = () => `${owner}/${said}`;

/** Like or dislike an item; without a person, a second time takes it back. */
export async function mark(itemId, kind, title) {
  const { user } = read();
  if (!user) return markOfNobody(itemId, kind, title);
  if (theirs.get(itemId) === kind) return announce(t(`already_${kind}`, { title }));
  const before = theirs.get(itemId);
  theirs.set(itemId, kind);
  tell();
  try {
    await api.feedback(user, itemId, kind);
    said += 1;
    told.dispatchEvent(new Event("said"));
    announce(t(`said_${kind}`, { title }));
  } catch (error) {
    before ? theirs.set(itemId, before) : theirs.delete(itemId);
    announce(error.message, { failed: true });
  }
  tell();
}

function markOfNobody(itemId, kind, title) {
  const state = read();
  const had = state[kind].includes(itemId);
  const lists = { like: without(state.like, itemId), dislike: without(state.dislike, itemId) };
  if (!had) lists[kind].push(itemId);
  announce(t(had ? "said_nothing" : `said_${kind}`, { title }));
  go(lists);
}

const without = (list, value) => list.filter((one) => one !== value);
const tell = () => told.dispatchEvent(new Event("change"));

/** Be told of every change. */
export const onMarks = (listener) => told.addEventListener("change", listener);

/** Be told when the server knows what a person said: their lists differ from then on. */
export const onSaid = (listener) => told.addEventListener("said", listener);

/** Read what a person said before; the latest word on an item counts. */
export async function load(user) {
  if (user === owner) return;
  owner = user;
  theirs.clear();
  if (user) {
    try {
      const { events } = await api.events(user, { k: MOST });
      for (const one of events) {
        if (["like", "dislike"].includes(one.kind) && !theirs.has(one.item_id)) theirs.set(one.item_id, one.kind);
      }
    } catch (error) {
      if (error.status !== 404) announce(error.message, { failed: true });
    }
  }
  tell();
}

onChange(tell);
