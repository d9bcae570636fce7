// One item from near: its picture, its columns, what was recognised, and what looks like it.

import * as api from "./api.js";
import { swatch } from "./colours.js";
import { dialog, h, icon } from "./dom.js";
import { lineOf } from "./lines.js";
import { go, leave, read } from "./state.js";
import { columnName, t } from "./strings.js";
import { itemLink, markButtons, pictureBox } from "./tile.js";

const SIMILAR = 8;
const LONG = 90;
const OBVIOUS = ["item_id", "title", "name"];

/** The dialog of `?item=`. */
export class ItemDialog {
  #shown = "";
  #stop = new AbortController();

  constructor() {
    this.content = h("div", { class: "item", tabindex: "-1", autofocus: true });
    this.box = dialog("item-dialog", t("itemFacts"), t("close"), this.content);
    this.box.addEventListener("close", () => read().item && leave({ item: "" }));
  }

  /** Open, change or close, as the state says. */
  show({ item }) {
    if (item === this.#shown) return;
    this.#shown = item;
    this.#stop.abort();
    this.#stop = new AbortController();
    if (!item) return this.box.close();
    if (!this.box.open) this.box.showModal();
    this.box.scrollTop = 0;
    this.#load(item, this.#stop.signal);
  }

  async #load(itemId, signal) {
    const facts = h(
      "div",
      { class: "item-facts", "aria-busy": "true" },
      h("p", { class: "muted", text: t("loading") }),
    );
    const similar = h("section", { class: "item-similar" });
    this.content.replaceChildren(pictureBox(itemId, { width: 480, eager: true }), facts, similar);
    this.content.firstChild.classList.add("large");
    try {
      const found = await api.item(itemId, signal);
      facts.replaceChildren(...this.#facts(itemId, found));
      facts.setAttribute("aria-busy", "false");
      this.content.querySelector("img")?.setAttribute("alt", lineOf(found.item).title || itemId);
      const { items } = await api.similar(itemId, { k: SIMILAR }, signal);
      similar.append(h("h3", { text: t("itemSimilar") }), h("ul", { class: "strip" }, items.map(small)));
    } catch (error) {
      if (error.name === "AbortError") return;
      const place = facts.ariaBusy === "true" ? facts : similar;
      place.replaceChildren(h("p", { class: "error", role: "alert", text: error.message }));
    }
  }

  #facts(itemId, { item, attributes }) {
    const title = lineOf(item).title || itemId;
    this.box.setAttribute("aria-label", title);
    const more = h(
      "button",
      { type: "button", class: "button main" },
      icon("similar"),
      h("span", { text: t("moreLikeThis") }),
    );
    more.addEventListener("click", () => go({ view: "shop", similar: itemId, picture: [], item: "", region: "" }));
    const rows = Object.entries(item).filter(([name]) => !OBVIOUS.includes(name.toLowerCase()));
    const short = rows.filter(([, value]) => String(value).length <= LONG);
    const long = rows.filter(([, value]) => String(value).length > LONG);
    return [
      h("h2", { text: title }),
      h("p", { class: "muted item-id", text: itemId }),
      h("div", { class: "item-actions" }, markButtons(itemId, title), more),
      attributes.length ? seen(attributes) : "",
      h(
        "dl",
        { class: "columns" },
        short.map(([name, value]) => [h("dt", { text: columnName(name) }), h("dd", { text: shown(value) })]),
      ),
      ...long.map(([name, value]) =>
        h("section", { class: "prose" }, h("h3", { text: columnName(name) }), h("p", { text: shown(value) })),
      ),
    ];
  }
}

const shown = (value) => (typeof value === "string" ? value.replaceAll("|", ", ") : JSON.stringify(value));

/** Each word once, the surest first. */
function seen(attributes) {
  const words = new Map();
  for (const one of attributes) if (!words.has(one.value)) words.set(one.value, one);
  const chips = [...words.values()].map((one) =>
    h(
      "li",
      { class: "word", title: `${columnName(one.name)}, ${t("sure", { n: Math.round(100 * one.confidence) })}` },
      swatch(one.value),
      h("span", { text: one.value }),
    ),
  );
  return h("section", { class: "seen" }, h("h3", { text: t("itemSeen") }), h("ul", { class: "words" }, chips));
}

function small(line) {
  const title = line.title || line.item_id;
  return h(
    "li",
    {},
    itemLink(
      line.item_id,
      { class: "small-tile" },
      pictureBox(line.item_id, { eager: true }),
      h("span", { text: title }),
    ),
  );
}
