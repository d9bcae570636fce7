// A list of tiles without an end: the next page is fetched before its place comes into view.

import { h } from "./dom.js";
import { t } from "./strings.js";
import { tile } from "./tile.js";

const SKELETONS = 12;
const AHEAD = "500px";

export class Grid {
  #pages;
  #stop = new AbortController();
  #fetching = false;

  /** `onPage` is told of every page that arrives, with the number of items that are shown then. */
  constructor({ onPage = () => {}, label = "", ...options } = {}) {
    this.options = options;
    this.onPage = onPage;
    this.list = h("ul", { class: "grid", "aria-label": label });
    this.note = h("p", { class: "note", hidden: true });
    this.end = h("p", { class: "end muted", role: "status" });
    this.more = h("button", { type: "button", class: "button more", text: t("more"), hidden: true });
    this.more.addEventListener("click", () => this.#next());
    this.element = h("div", { class: "list" }, this.note, this.list, this.end, this.more);
    this.watch = new IntersectionObserver(([seen]) => seen.isIntersecting && this.#next(), { rootMargin: AHEAD });
    this.watch.observe(this.more);
  }

  /** Show another list. `pages(signal)` gives {items, note} one after the other. */
  show(pages) {
    this.#stop.abort();
    this.#stop = new AbortController();
    this.#pages = pages(this.#stop.signal);
    this.#fetching = false;
    this.count = 0;
    this.fresh = true;
    this.end.textContent = "";
    this.more.hidden = true;
    this.list.setAttribute("aria-busy", "true");
    if (this.list.children.length) this.list.classList.add("old");
    else this.list.append(...Array.from({ length: SKELETONS }, skeleton));
    return this.#next();
  }

  /** Forget what is shown. */
  clear() {
    this.#stop.abort();
    this.list.replaceChildren();
  }

  async #next() {
    if (this.#fetching) return;
    const pages = this.#pages;
    this.#fetching = true;
    this.more.textContent = t("loading");
    try {
      const { value: page, done } = await pages.next();
      if (pages === this.#pages) this.#add(page, done);
    } catch (error) {
      if (pages === this.#pages && error.name !== "AbortError") this.#fail(error);
    }
  }

  #add(page, done) {
    this.#fetching = false;
    const focused = this.fresh ? this.#focused() : null;
    this.#settle(page?.note ?? "");
    if (page) {
      const before = this.count;
      this.list.append(...page.items.map((line, place) => tile(line, { eager: before + place < 6, ...this.options })));
      this.count += page.items.length;
      this.onPage(this.count, page);
      focused?.();
    }
    this.more.hidden = done;
    this.more.textContent = t("more");
    if (done) this.end.textContent = this.count ? t("end", { n: this.count }) : t("nothing");
    // Still in view: no further call of the observer would come.
    else requestAnimationFrame(() => this.#inView() && this.#next());
  }

  /** Whoever pressed a key in the old list finds themselves at the same place of the new one. */
  #focused() {
    const at = document.activeElement;
    const place = [...this.list.children].findIndex((one) => one.contains(at));
    if (place < 0) return null;
    const what = at.dataset.kind ? `[data-kind="${at.dataset.kind}"]` : "a";
    return () => {
      const there = this.list.children[Math.min(place, this.list.children.length - 1)];
      there?.querySelector(what)?.focus({ preventScroll: true });
    };
  }

  #settle(note) {
    if (!this.fresh) return;
    this.fresh = false;
    this.list.replaceChildren();
    this.list.classList.remove("old");
    this.list.setAttribute("aria-busy", "false");
    this.note.textContent = note;
    this.note.hidden = !note;
  }

  #inView() {
    const { top } = this.more.getBoundingClientRect();
    return this.more.isConnected && this.more.offsetParent && top < innerHeight + Number.parseInt(AHEAD, 10);
  }

  #fail(error) {
    this.#settle("");
    this.more.hidden = true;
    const again = h("button", { type: "button", class: "button", text: t("again") });
    again.addEventListener("click", () => this.onAgain?.());
    this.end.replaceChildren(h("span", { class: "error", text: error.message }), " ", this.onAgain ? again : "");
  }
}

function skeleton() {
  return h(
    "li",
    { class: "tile skeleton", "aria-hidden": "true" },
    h("span", { class: "picture" }),
    h("span", { class: "bar" }),
  );
}
