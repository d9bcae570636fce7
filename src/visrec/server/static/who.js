// Who uses the page: a guest, or one of the shop's customers.

import * as api from "./api.js";
import { dialog, h, icon } from "./dom.js";
import { go, read } from "./state.js";
import { t } from "./strings.js";

const KNOWN = 12;

/** The button that says who you are, and lets you be somebody else. */
export class Who {
  constructor() {
    this.name = h("span", { class: "who-name" });
    this.button = h(
      "button",
      { type: "button", class: "button who", "aria-haspopup": "dialog" },
      icon("person"),
      this.name,
    );
    this.button.addEventListener("click", () => this.open());
  }

  /** Show who it is. */
  show({ user }) {
    this.name.textContent = user || t("whoNobody");
    this.button.setAttribute("aria-label", `${t("who")} ${this.name.textContent}`);
  }

  /** Ask. */
  open() {
    const input = h("input", {
      id: "who",
      type: "text",
      autocomplete: "off",
      spellcheck: "false",
      value: read().user,
      maxlength: 1000,
    });
    const known = h("div", { class: "known", "aria-busy": "true" });
    const leave = h("button", { type: "button", class: "button", text: t("whoLeave") });
    const form = h(
      "form",
      { class: "stack" },
      h("h2", { text: t("who") }),
      h("p", { class: "muted", text: t("whoHelp") }),
      h("label", { for: "who", text: t("whoId") }),
      input,
      known,
      h("div", { class: "row" }, h("button", { class: "button main", text: t("whoGo") }), leave),
    );
    const box = dialog("small", t("who"), t("close"), form);
    const become = (user) => {
      box.close();
      go({ user, like: [], dislike: [] });
    };
    leave.addEventListener("click", () => become(""));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      become(input.value);
    });
    box.addEventListener("close", () => box.remove());
    box.showModal();
    input.focus();
    this.#listKnown(known, become);
  }

  async #listKnown(known, become) {
    try {
      const { user_ids: ids } = await api.users(KNOWN);
      known.append(
        ...ids.map((id) => h("button", { type: "button", class: "pill", text: id, on: { click: () => become(id) } })),
      );
    } catch (error) {
      known.append(h("p", { class: "error", text: error.message }));
    }
    known.setAttribute("aria-busy", "false");
  }
}
