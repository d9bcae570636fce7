// The filters: for every column its most frequent values, and how many items each would leave.

import * as api from "./api.js";
import { swatch } from "./colours.js";
import { conditionOf, learn } from "./conditions.js";
import { announce, h, iconButton, later } from "./dom.js";
import { go, read } from "./state.js";
import { columnName, t } from "./strings.js";

const FEW = 7;
const OPEN = 3;

/** The panel beside the list. */
export class Filters {
  #all = null;
  #stop = new AbortController();

  constructor() {
    this.groups = h("div", { class: "groups" });
    this.clear = h("button", { type: "button", class: "link", text: t("clearFilters") });
    this.clear.addEventListener("click", () => go({ filters: {} }));
    this.slider = h("input", { type: "range", id: "diversity", min: 0, max: 1, step: 0.1 });
    this.slider.addEventListener(
      "input",
      later(() => go({ diversity: Number(this.slider.value) }, { replace: true }), 250),
    );
    this.element = h(
      "aside",
      { class: "filters", id: "filters", "aria-label": t("filters") },
      h("div", { class: "filters-head" }, h("h2", { text: t("filters") }), this.clear, this.#closing()),
      h(
        "div",
        { class: "group variety" },
        h("label", { for: "diversity", text: t("diversity") }),
        this.slider,
        h(
          "div",
          { class: "ends muted", "aria-hidden": "true" },
          h("span", { text: t("diversityLow") }),
          h("span", { text: t("diversityHigh") }),
        ),
      ),
      this.groups,
    );
    this.button = h("button", {
      type: "button",
      class: "button filters-button",
      "aria-controls": "filters",
      "aria-expanded": "false",
    });
    this.button.addEventListener("click", () => this.#open(!this.element.classList.contains("open")));
    this.element.addEventListener("keydown", (event) => event.key === "Escape" && this.#open(false));
  }

  /** Read the columns and their values, once: their conditions are needed before a filtered list can be asked for. */
  async ready() {
    this.#all ??= api.facets().then((facets) => {
      learn(facets);
      return facets;
    });
    try {
      return await this.#all;
    } catch (error) {
      this.#all = null;
      throw error;
    }
  }

  /** Show what is chosen, then how many items each value would leave. */
  async show(filters, icon) {
    const n = Object.values(filters).flat().length;
    this.button.replaceChildren(
      icon,
      h("span", { text: t("filters") }),
      n ? h("span", { class: "badge", text: String(n) }) : "",
    );
    this.clear.hidden = !n;
    this.slider.value = read().diversity;
    let facets;
    try {
      facets = await this.ready();
    } catch (error) {
      return announce(error.message, { failed: true });
    }
    if (!this.groups.children.length) this.groups.append(...facets.map((facet, place) => this.#group(facet, place)));
    this.#check(filters);
    await this.#count(filters, facets);
  }

  #closing() {
    return iconButton("close", t("close"), () => this.#open(false), { class: "icon-button close-filters" });
  }

  #open(open) {
    this.element.classList.toggle("open", open);
    this.button.setAttribute("aria-expanded", String(open));
    (open ? this.element.querySelector(".close-filters") : this.button).focus({ preventScroll: true });
  }

  #group({ column, values }, place) {
    const boxes = values.map((one, n) => this.#value(column, one, n >= FEW));
    const group = h(
      "details",
      { class: "group", open: place < OPEN },
      h("summary", {}, h("span", { text: columnName(column) })),
      h("fieldset", {}, h("legend", { class: "unseen", text: columnName(column) }), boxes),
    );
    if (values.length > FEW) {
      const more = h("button", { type: "button", class: "link", text: t("moreValues", { n: values.length - FEW }) });
      more.addEventListener("click", () => {
        const all = group.classList.toggle("all");
        more.textContent = all ? t("fewerValues") : t("moreValues", { n: values.length - FEW });
      });
      group.querySelector("fieldset").append(more);
    }
    return group;
  }

  #value(column, { value, items }, rare) {
    const box = h("input", { type: "checkbox", data: { column, value } });
    box.addEventListener("change", () => this.#toggle(column, value, box.checked));
    const colour = /colour|color/i.test(column) && swatch(value);
    return h(
      "label",
      { class: rare ? "value rare" : "value" },
      box,
      colour,
      h("span", { class: "name", text: value }),
      h("span", { class: "count muted", text: t("count", { n: items }) }),
    );
  }

  #toggle(column, value, on) {
    const { filters } = read();
    const values = (filters[column] ?? []).filter((one) => one !== value);
    const all = { ...filters, [column]: on ? [...values, value] : values };
    if (!all[column].length) delete all[column];
    go({ filters: all });
  }

  #check(filters) {
    for (const box of this.groups.querySelectorAll("input")) {
      box.checked = filters[box.dataset.column]?.includes(box.dataset.value) ?? false;
      box.closest(".value").classList.toggle("chosen", box.checked);
      if (box.checked) box.closest("details").open = true;
    }
  }

  /** A value's count is of what the other columns' filters leave: a second value of a column adds to the first. */
  async #count(filters, facets) {
    this.#stop.abort();
    this.#stop = new AbortController();
    const { signal } = this.#stop;
    const chosen = facets.map((facet) => facet.column).filter((column) => filters[column]);
    const others = facets.map((facet) => facet.column).filter((column) => !filters[column]);
    const asked = chosen.map((column) =>
      api.facets({ columns: [column], where: conditionOf(filters, column) }, signal),
    );
    if (others.length && chosen.length)
      asked.push(api.facets({ columns: others, where: conditionOf(filters) }, signal));
    try {
      const counted = chosen.length ? (await Promise.all(asked)).flat() : facets;
      for (const { column, values } of counted)
        this.#write(column, new Map(values.map((one) => [one.value, one.items])));
    } catch (error) {
      if (error.name !== "AbortError") announce(error.message, { failed: true });
    }
  }

  #write(column, counts) {
    for (const box of this.groups.querySelectorAll("input")) {
      if (box.dataset.column !== column) continue;
      const n = counts.get(box.dataset.value) ?? 0;
      const label = box.closest(".value");
      label.querySelector(".count").textContent = t("count", { n });
      label.classList.toggle("empty", !n && !box.checked);
    }
  }
}
