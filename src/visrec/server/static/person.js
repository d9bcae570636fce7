// A customer's taste: interests that can be taken out, recommendations with their reasons, and the history.

import * as api from "./api.js";
import { announce, dialog, h, icon } from "./dom.js";
import { Grid } from "./grid.js";
import * as marks from "./marks.js";
import { byCursor } from "./sources.js";
import { go } from "./state.js";
import { percent, t } from "./strings.js";
import { event, palette, pictures, wordList } from "./taste_parts.js";

const TYPICAL = 5;
const EVENTS = 24;

/** The view of `?view=person`. */
export class PersonView {
  #shown = "";
  #stop = new AbortController();

  constructor(who) {
    this.who = who;
    this.element = h("div", { class: "person" });
  }

  /** Show a customer. */
  async show({ user }) {
    const key = JSON.stringify([user, marks.version()]);
    if (key === this.#shown) return;
    this.#shown = key;
    this.#stop.abort();
    this.#stop = new AbortController();
    if (!user) return this.#nobody();
    this.user = user;
    this.profile = h(
      "div",
      { class: "profile", "aria-busy": "true" },
      h("h1", { text: t("personTitle", { user }) }),
      loading(),
    );
    this.recommended = new Grid({ label: t("recommended"), parts: true });
    this.recommended.onAgain = () => this.#recommend();
    const recommended = h("section", {}, h("h2", { text: t("recommended") }), this.recommended.element);
    const past = h("section", { class: "history" }, h("h2", { text: t("history") }));
    this.element.replaceChildren(this.profile, past, recommended);
    this.#history(past);
    this.#recommend();
    await this.#load(() => api.profile(user, this.#stop.signal));
  }

  #nobody() {
    const choose = h("button", { type: "button", class: "button main" }, icon("person"), t("personChoose"));
    choose.addEventListener("click", () => this.who.open());
    this.element.replaceChildren(
      h(
        "div",
        { class: "nobody ready" },
        h("h1", { text: t("personNobody") }),
        h("p", { class: "muted", text: t("personNobodyHelp") }),
        choose,
      ),
    );
  }

  #recommend() {
    this.recommended.show(byCursor((page, signal) => explained(this.user, page, signal)));
  }

  async #load(ask, done = "") {
    this.profile.setAttribute("aria-busy", "true");
    try {
      const profile = await ask();
      if (profile.user_id !== this.user) return;
      this.profile.replaceChildren(...this.#profile(profile));
      if (done) announce(done);
    } catch (error) {
      if (error.name === "AbortError") return;
      if (done) announce(error.message, { failed: true });
      else this.#failed(error);
    }
    this.profile.setAttribute("aria-busy", "false");
  }

  #failed(error) {
    const unknown = error.status === 404;
    const toShop = h("button", { type: "button", class: "button main", text: t("personToShop") });
    toShop.addEventListener("click", () => go({ view: "shop" }));
    this.profile.replaceChildren(
      h("h1", { class: "ready", text: t("personTitle", { user: this.user }) }),
      h("p", {
        class: unknown ? "muted" : "error",
        text: unknown ? t("personUnknown", { user: this.user }) : error.message,
      }),
      toShop,
    );
  }

  #profile(profile) {
    const facts = { liked: profile.n_liked, disliked: profile.n_disliked, sure: Math.round(100 * profile.confidence) };
    const head = h(
      "div",
      { class: "person-head ready" },
      h(
        "div",
        {},
        h("h1", { text: t("personTitle", { user: this.user }) }),
        h("p", {
          class: "muted",
          text: [t("personFacts", facts), profile.left_out && t("personLeftOut", { n: profile.left_out })]
            .filter(Boolean)
            .join(" · "),
        }),
      ),
      h("span", { class: "spring" }),
      this.#button("undo", "undo", () => this.#change(() => api.undoProfile(this.user), t("undone"))),
      this.#button("reset", "", () => this.#askReset(), "button danger"),
    );
    const interests = profile.interests.map((one) => this.#interest(one, true));
    return [
      head,
      profile.note && h("p", { class: "note", text: profile.note }),
      profile.words.length ? wordList(profile.words) : "",
      h("h2", { text: t("interests") }),
      interests.length
        ? h("ul", { class: "interests" }, interests)
        : h("p", { class: "muted", text: t("interestNone") }),
      profile.avoids.length
        ? [
            h("h2", { text: t("avoids") }),
            h(
              "ul",
              { class: "interests avoided" },
              profile.avoids.map((one) => this.#interest(one, false)),
            ),
          ]
        : [],
    ]
      .flat()
      .filter(Boolean);
  }

  #button(text, iconName, act, className = "button") {
    const button = h(
      "button",
      { type: "button", class: className },
      iconName && icon(iconName),
      h("span", { text: t(text) }),
    );
    button.addEventListener("click", act);
    return button;
  }

  #interest(one, removable) {
    const words = one.words.map((word) => word.value).join(", ");
    const remove =
      removable &&
      this.#button("interestRemove", "close", () =>
        this.#change(() => api.removeInterest(this.user, one.number), t("interestRemoved", { n: one.number })),
      );
    remove && remove.setAttribute("aria-label", t("interestRemoveLabel", { n: one.number, words }));
    const weight = h("span", { class: "weight-bar", "aria-hidden": "true" }, h("span"));
    weight.firstChild.style.width = `${100 * one.weight}%`;
    return h(
      "li",
      { class: "interest", data: { interest: one.number } },
      pictures(one.item_ids.slice(0, TYPICAL)),
      h(
        "div",
        { class: "interest-facts" },
        h(
          "div",
          { class: "interest-head" },
          h("h3", { text: t("interest", { n: one.number }) }),
          h("span", { class: "spring" }),
          remove,
        ),
        h(
          "p",
          { class: "interest-weight" },
          h("strong", { text: percent(one.weight) }),
          " ",
          h("span", {
            class: "muted",
            text: t(removable ? "interestItems" : "avoidedItems", { n: one.item_ids.length }),
          }),
        ),
        weight,
        one.words.length ? wordList(one.words) : "",
        one.palette.length ? palette(one.palette) : "",
      ),
    );
  }

  /** A change of the profile, and what follows from it. */
  async #change(ask, done) {
    await this.#load(ask, done);
    this.#recommend();
  }

  #askReset() {
    const yes = h("button", { type: "button", class: "button danger", text: t("reset") });
    const no = h("button", { type: "button", class: "button", text: t("cancel"), autofocus: true });
    const box = dialog(
      "small",
      t("reset"),
      t("close"),
      h(
        "div",
        { class: "stack" },
        h("h2", { text: t("reset") }),
        h("p", { text: t("resetAsk") }),
        h("div", { class: "row" }, yes, no),
      ),
    );
    yes.addEventListener("click", () => {
      box.close();
      this.#change(() => api.resetProfile(this.user), t("resetDone"));
    });
    no.addEventListener("click", () => box.close());
    box.addEventListener("close", () => box.remove());
    box.showModal();
  }

  async #history(place) {
    const list = h("ul", { class: "events" });
    const more = h("button", { type: "button", class: "button more", text: t("more"), hidden: true });
    place.append(list, more);
    const pages = byCursorOfEvents(this.user, this.#stop.signal);
    const next = async () => {
      try {
        const { value, done } = await pages.next();
        if (value) list.append(...value.events.map(event));
        more.hidden = done || !value.next_cursor;
        if (!list.children.length) list.replaceWith(h("p", { class: "muted", text: t("historyEmpty") }));
      } catch (error) {
        if (error.name === "AbortError") return;
        list.replaceWith(
          h("p", {
            class: error.status === 404 ? "muted" : "error",
            text: error.status === 404 ? t("historyEmpty") : error.message,
          }),
        );
      }
    };
    more.addEventListener("click", next);
    await next();
  }
}

/** Recommendations, each with the sentence that says why; without it where the model cannot be taken apart. */
async function explained(user, page, signal) {
  try {
    return await api.recommendations(user, { ...page, reasons: true }, signal);
  } catch (error) {
    if (error.status !== 409) throw error;
    return api.recommendations(user, page, signal);
  }
}

async function* byCursorOfEvents(user, signal) {
  let cursor;
  do {
    const page = await api.events(user, { k: EVENTS, cursor }, signal);
    cursor = page.next_cursor;
    yield page;
  } while (cursor);
}

const loading = () => h("p", { class: "muted", role: "status", text: t("loading") });
