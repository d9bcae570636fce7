// What the page shows is in its address: it can be reloaded, sent to somebody, and gone back from.

const LISTS = ["like", "dislike", "picture"];
const TEXTS = { view: "shop", user: "", similar: "", item: "", region: "" };
const FILTER = "is.";

const changed = new EventTarget();

/** The state that the address says. */
export function read() {
  const given = new URLSearchParams(location.search);
  const state = { filters: {}, diversity: Number(given.get("diversity")) || 0 };
  for (const [name, usual] of Object.entries(TEXTS)) state[name] = given.get(name) ?? usual;
  for (const name of LISTS) state[name] = [...new Set(given.getAll(name))];
  for (const [name, value] of given) {
    if (name.startsWith(FILTER)) (state.filters[name.slice(FILTER.length)] ??= []).push(value);
  }
  return state;
}

/** The address of a state: what is usual is left out. */
export function address(state) {
  const out = new URLSearchParams();
  for (const [name, usual] of Object.entries(TEXTS)) if (state[name] !== usual) out.set(name, state[name]);
  for (const name of LISTS) for (const value of state[name]) out.append(name, value);
  for (const [column, values] of Object.entries(state.filters)) {
    for (const value of values) out.append(FILTER + column, value);
  }
  if (state.diversity) out.set("diversity", state.diversity);
  const query = out.toString();
  return location.pathname + (query ? `?${query}` : "");
}

/** Change the state, as a step to go back from; or, with `replace`, in place of the present one. */
export function go(changes, { replace = false } = {}) {
  const before = read();
  const target = address({ ...before, ...changes });
  if (target === location.pathname + location.search) return;
  const deeper = { depth: (history.state?.depth ?? 0) + (replace ? 0 : 1) };
  history[replace ? "replaceState" : "pushState"](deeper, "", target);
  changed.dispatchEvent(new Event("change"));
}

/** Leave a step that `go` made; where the page began with it, go on to what it would be without. */
export function leave(changes) {
  if (history.state?.depth > 0) history.back();
  else go(changes, { replace: true });
}

/** Be told of every change, whoever made it. */
export function onChange(listener) {
  changed.addEventListener("change", () => listener(read()));
}

addEventListener("popstate", () => changed.dispatchEvent(new Event("change")));
