// The shop: what is searched by, what is filtered by, and the list.

import { knows, possible } from "./conditions.js";
import { announce, h, icon, iconButton } from "./dom.js";
import { Filters } from "./filters.js";
import { Grid } from "./grid.js";
import { linesOf } from "./lookup.js";
import * as marks from "./marks.js";
import { addressOf, filesOf } from "./pictures.js";
import { listOf } from "./sources.js";
import { go, read } from "./state.js";
import { t } from "./strings.js";
import { itemLink, pictureBox } from "./tile.js";

const HEADS = {
  picture: "headPicture",
  similar: "headSimilar",
  user: "headUser",
  likes: "headLikes",
  all: "headPopular",
};

/** The view of `?view=shop`. */
export class ShopView {
  #shown = "";

  constructor() {
    this.filters = new Filters();
    this.title = h("h1", { tabindex: "-1" });
    this.total = h("span", { class: "muted total" });
    this.context = h("div", { class: "context" });
    this.grid = new Grid({ label: t("list"), onPage: (n, page) => this.#arrived(n, page) });
    this.grid.onAgain = () => this.show(read(), { again: true });
    const head = h(
      "div",
      { class: "list-head" },
      this.title,
      this.total,
      h("span", { class: "spring" }),
      this.filters.button,
    );
    this.element = h(
      "div",
      { class: "shop" },
      this.filters.element,
      h("section", {}, this.context, head, this.grid.element),
    );
  }

  /** Show a state; the list is asked for again only where it would differ. */
  async show(state, { again = false } = {}) {
    if (state.picture.length > filesOf(state.picture).length) {
      announce(t("pictureGone"), { failed: true });
      return go({ picture: [] }, { replace: true });
    }
    this.#showContext(state);
    const counting = this.filters.show(state.filters, icon("filter"));
    const { view, item, region, ...asked } = state;
    const key = JSON.stringify([asked, marks.version()]);
    if (key === this.#shown && !again) return;
    this.#shown = key;
    if (!knows(state.filters)) {
      this.grid.list.setAttribute("aria-busy", "true");
      await counting;
      if (!knows(state.filters)) return go({ filters: possible(state.filters) }, { replace: true });
      if (this.#shown !== key) return;
    }
    const { kind, pages } = listOf(state);
    // What the heading says of all need not be said of each.
    this.grid.options.reason = ["user", "likes"].includes(kind);
    this.title.textContent = t(HEADS[kind], { user: state.user });
    this.total.textContent = "";
    this.#toTop();
    await this.grid.show(pages);
  }

  /** After a change the list begins anew: show its beginning. */
  #toTop() {
    const top = this.element.getBoundingClientRect().top + scrollY - document.getElementById("top").offsetHeight;
    if (this.element.isConnected && scrollY > top) scrollTo({ top, behavior: "instant" });
  }

  #arrived(n, page) {
    if (page.total !== undefined) this.total.textContent = t("arrived", { n: page.total });
    if (n === page.items.length) announce(t("arrived", { n }), { quiet: true });
  }

  #showContext(state) {
    const parts = [];
    if (state.picture.length) parts.push(this.#search(state.picture.map((number) => uploaded(number))));
    else if (state.similar) parts.push(this.#search([thumbnail(state.similar)]));
    if (!state.user && (state.like.length || state.dislike.length)) parts.push(tray(state));
    this.context.replaceChildren(...parts);
  }

  #search(thumbnails) {
    const back = h("button", { type: "button", class: "button", text: t("clearSearch") });
    back.addEventListener("click", () => go({ similar: "", picture: [] }));
    return h("div", { class: "searched" }, thumbnails, h("span", { class: "spring" }), back);
  }
}

function uploaded(number) {
  return h("span", { class: "thumbnail large" }, h("img", { src: addressOf(number), alt: t("yourPicture") }));
}

function thumbnail(itemId) {
  const name = h("span", { class: "thumbnail-title" });
  linesOf([itemId]).then(
    ([line]) => (name.textContent = line?.title || itemId),
    (error) => (name.textContent = error.message),
  );
  return itemLink(
    itemId,
    { class: "searched-item" },
    h("span", { class: "thumbnail large" }, pictureBox(itemId, { eager: true })),
    name,
  );
}

/** What a guest likes and does not like, to be taken back one by one. */
function tray(state) {
  const over = h("button", { type: "button", class: "link", text: t("clearLikes") });
  over.addEventListener("click", () => go({ like: [], dislike: [] }));
  const lists = ["like", "dislike"].filter((kind) => state[kind].length);
  return h(
    "div",
    { class: "tray" },
    lists.map((kind) =>
      h(
        "div",
        { class: "tray-list" },
        h("h2", { text: t(`${kind}s`) }),
        h(
          "ul",
          { class: "chips" },
          state[kind].map((id) => chip(kind, id)),
        ),
      ),
    ),
    h("span", { class: "spring" }),
    over,
  );
}

function chip(kind, itemId) {
  const away = iconButton(
    "close",
    t("remove", { title: itemId }),
    () => go({ [kind]: read()[kind].filter((id) => id !== itemId) }),
    {
      class: "icon-button chip-close",
    },
  );
  const link = itemLink(itemId, { "aria-label": itemId }, pictureBox(itemId, { width: 120, eager: true }));
  linesOf([itemId]).then(
    ([line]) => {
      if (!line?.title) return;
      link.setAttribute("aria-label", line.title);
      link.title = line.title;
      away.setAttribute("aria-label", t("remove", { title: line.title }));
    },
    () => {},
  );
  return h("li", { class: `chip ${kind}` }, link, away);
}
