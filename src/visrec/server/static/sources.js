// The list that a state of the page asks for, page by page.

import * as api from "./api.js";
import { conditionOf } from "./conditions.js";
import { lineOf } from "./lines.js";
import { filesOf } from "./pictures.js";

const FIRST = 20;
const NEXT = 40;
/** The longest list that a server gives, unless it was started with another limit. */
const MOST = 500;
const WEIGHT_OF_SEARCH = 2;

/** What kind of list it is, and its pages: an async generator function of {items, note}. */
export function listOf(state) {
  const shape = { where: conditionOf(state.filters), diversity: state.diversity || undefined };
  if (filesOf(state.picture).length) return { kind: "picture", pages: byPictures(state, shape) };
  if (state.similar) return { kind: "similar", pages: likeAnItem(state, shape) };
  if (state.user)
    return {
      kind: "user",
      pages: byCursor((page, signal) => api.recommendations(state.user, { ...shape, ...page }, signal)),
    };
  if (state.like.length || state.dislike.length) return { kind: "likes", pages: byExamples(state, shape) };
  return { kind: "all", pages: popularThenAll(shape) };
}

/** Pages of a route that has a cursor. */
export function byCursor(ask) {
  return async function* (signal) {
    let cursor;
    for (let k = FIRST; ; k = NEXT) {
      const page = await ask({ k, cursor }, signal);
      cursor = page.next_cursor;
      if (!cursor) return yield* last(page);
      yield page;
    }
  };
}

/** Pages of a route without one: ever longer lists, of which only what is new is shown. */
function byLength(ask) {
  return async function* (signal) {
    const shown = new Set();
    for (let k = FIRST; ; k = Math.min(MOST, k + NEXT)) {
      const list = await ask(k, signal);
      const items = list.items.filter((line) => !shown.has(line.item_id));
      for (const line of items) shown.add(line.item_id);
      if (list.items.length < k || k >= MOST) return yield* last({ ...list, items });
      yield { ...list, items };
    }
  };
}

async function* last(page) {
  if (page.items.length) yield page;
}

function likeAnItem(state, shape) {
  if (!state.user && (state.like.length || state.dislike.length)) {
    return byExamples(state, shape, [{ item_id: state.similar, weight: WEIGHT_OF_SEARCH }]);
  }
  return byCursor((page, signal) => api.similar(state.similar, { ...shape, ...page }, signal));
}

function byExamples(state, shape, first = []) {
  const body = { ...shape, ...examples(state, first) };
  return byLength((k, signal) => api.query({ ...body, k }, signal));
}

function byPictures(state, shape) {
  const files = filesOf(state.picture);
  const first = files.map((_, file) => ({ file, weight: WEIGHT_OF_SEARCH }));
  const body = { ...shape, ...examples(state.user ? { like: [], dislike: [] } : state, first) };
  return byLength((k, signal) => api.queryPictures(files, { ...body, k }, signal));
}

/** Nothing may be liked and disliked: the latest word, which the lists hold, goes before the search. */
function examples({ like, dislike }, first) {
  const wanted = first.filter((one) => !dislike.includes(one.item_id));
  const named = new Set(wanted.map((one) => one.item_id));
  return { like: [...wanted, ...like.filter((id) => !named.has(id))], dislike };
}

/** First what most people like, then the rest of the catalogue in its order. */
function popularThenAll(shape) {
  return async function* (signal) {
    const shown = new Set();
    const popular = byLength(async (k, stop) => (await api.sessions({ sessions: [[]], k, ...shape }, stop))[0]);
    try {
      for await (const page of popular(signal)) {
        for (const line of page.items) shown.add(line.item_id);
        yield { ...page, note: "" };
      }
    } catch (error) {
      // Nothing was trained yet: the catalogue can be looked at all the same.
      if (![409, 503].includes(error.status)) throw error;
    }
    const rest = byCursor((page, stop) => api.items({ where: shape.where, ...page }, stop));
    for await (const page of rest(signal)) {
      const items = page.items.filter((row) => !shown.has(row.item_id)).map(lineOf);
      if (items.length) yield { items, note: "" };
    }
  };
}
