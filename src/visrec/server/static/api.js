// The server's routes as functions. Ids may hold any character: they are always encoded.

import { askForKey } from "./sign_in.js";
import { t } from "./strings.js";

/** What the server refused, in its own words. */
class ApiError extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

const ROOT = new URL("/v1/", location.origin);
const BUSY_TRIES = 3;
let asking = null;

const pathOf = (...parts) => parts.map(encodeURIComponent).join("/");

async function call(method, path, { query = {}, body, signal } = {}) {
  const url = new URL(path, ROOT);
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === null || value === "") continue;
    for (const one of [value].flat()) url.searchParams.append(name, one);
  }
  const json = body !== undefined && !(body instanceof FormData);
  const request = {
    method,
    signal,
    headers: json ? { "Content-Type": "application/json" } : {},
    body: json ? JSON.stringify(body) : body,
  };
  for (let tried = 1; ; tried++) {
    const response = await fetched(url, request);
    if (response.ok) return response.status === 204 ? null : response.json();
    if (response.status === 401) {
      asking ??= askForKey((key) => signIn(key)).finally(() => (asking = null));
      await asking;
      continue;
    }
    const wait = Number(response.headers.get("Retry-After"));
    if (wait && tried < BUSY_TRIES) {
      await new Promise((done) => setTimeout(done, 1000 * wait));
      continue;
    }
    throw new ApiError(response.status, await detailOf(response));
  }
}

async function fetched(url, request) {
  try {
    return await fetch(url, request);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, t("unreachable"));
  }
}

async function detailOf(response) {
  try {
    const problem = await response.json();
    return typeof problem.detail === "string" ? problem.detail : problem.title;
  } catch {
    return `${response.status} ${response.statusText}`;
  }
}

async function signIn(key) {
  const response = await fetched(new URL("session", ROOT), {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ key }),
  });
  if (!response.ok) throw new ApiError(response.status, await detailOf(response));
}

const get = (path, query, signal) => call("GET", path, { query, signal });
const post = (path, body, signal) => call("POST", path, { body, signal });

export const users = (k) => get("users", { k });
export const items = (query, signal) => get("items", query, signal);
export const item = (itemId, signal) => get(pathOf("items", itemId), {}, signal);
export const similar = (itemId, query, signal) => get(pathOf("items", itemId, "similar"), query, signal);
export const facets = (query, signal) => get("facets", query, signal);
export const recommendations = (userId, query, signal) =>
  get(pathOf("users", userId, "recommendations"), query, signal);
export const sessions = (body, signal) => post("recommendations", body, signal);
export const query = (body, signal) => post("query", body, signal);
export const events = (userId, query, signal) => get(pathOf("users", userId, "events"), query, signal);
export const profile = (userId, signal) => get(pathOf("users", userId, "profile"), {}, signal);
export const removeInterest = (userId, number) =>
  call("DELETE", pathOf("users", userId, "profile", "interests", String(number)));
export const resetProfile = (userId) => call("DELETE", pathOf("users", userId, "profile"));
export const undoProfile = (userId) => post(pathOf("users", userId, "profile", "undo"));
export const map = (signal) => get("map", {}, signal);

/** One event of a user; a second try with the same time counts once. */
export const feedback = (userId, itemId, kind) =>
  post("feedback", [{ user_id: userId, item_id: itemId, kind, timestamp: Math.floor(Date.now() / 1000) }]);

/** As `query`, with pictures among the examples. */
export function queryPictures(files, body, signal) {
  const form = new FormData();
  for (const file of files) form.append("pictures", file, file.name || "picture");
  form.append("query", JSON.stringify(body));
  return call("POST", "query/pictures", { body: form, signal });
}

/** Where an item's picture is; `width` is that of the longer side, out of 120, 240, 480 and 960. */
export const picture = (itemId, width) => `/v1/${pathOf("items", itemId, "picture")}?width=${width}`;
