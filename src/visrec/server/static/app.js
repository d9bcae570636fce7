// The frame of the page: the header, the views, and which of them the address asks for.

import { h, icon } from "./dom.js";
import { ItemDialog } from "./item_dialog.js";
import * as marks from "./marks.js";
import { MapView } from "./map.js";
import { PersonView } from "./person.js";
import { listen, searchBy } from "./pictures.js";
import { ShopView } from "./shop.js";
import { address, go, onChange, read } from "./state.js";
import { LANGUAGE, t } from "./strings.js";
import { Who } from "./who.js";

const VIEWS = { shop: () => new ShopView(), person: () => new PersonView(who), map: () => new MapView() };
const ICONS = { shop: "shop", person: "taste", map: "map" };

const main = document.getElementById("main");
const views = new Map();
const who = new Who();
const itemDialog = new ItemDialog();
const links = new Map(Object.keys(VIEWS).map((view) => [view, navigation(view)]));

function navigation(view) {
  const link = h("a", { class: "nav-link" }, icon(ICONS[view]), h("span", { text: t(view) }));
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    go(viewed(view));
    scrollTo({ top: 0, behavior: "instant" });
  });
  return link;
}

const viewed = (view) => ({ view, item: "", region: "" });

function searchButton() {
  const input = h("input", {
    type: "file",
    accept: "image/*",
    multiple: true,
    class: "unseen",
    id: "pictures",
    tabindex: "-1",
    "aria-label": t("searchByPicture"),
  });
  input.addEventListener("change", () => {
    if (input.files.length) searchBy(input.files);
    input.value = "";
  });
  const button = h(
    "button",
    { type: "button", class: "search-button", title: t("searchHelp") },
    icon("camera"),
    h("span", { class: "wide", text: t("searchByPicture") }),
    h("span", { class: "muted hint", text: t("searchHelp") }),
  );
  button.addEventListener("click", () => input.click());
  return [button, input];
}

function frame() {
  document.documentElement.lang = LANGUAGE;
  document.getElementById("skip").textContent = t("skip");
  const home = h(
    "a",
    { class: "brand", href: address({ ...read(), ...viewed("shop") }) },
    h("img", { src: "icon.svg", alt: "", width: 28, height: 28 }),
    "visrec",
  );
  const nav = h("nav", { "aria-label": "visrec" }, [...links.values()]);
  document.getElementById("top").append(home, nav, ...searchButton(), who.button);
  const overlay = h("div", { class: "drop", hidden: true }, h("p", {}, icon("camera"), t("dropHere")));
  document.body.append(overlay);
  listen(overlay);
}

async function show(state) {
  const view = state.view in VIEWS ? state.view : "shop";
  who.show(state);
  for (const [name, link] of links) {
    link.href = address({ ...state, ...viewed(name) });
    if (name === view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (!views.has(view)) views.set(view, VIEWS[view]());
  const shown = views.get(view);
  if (main.firstChild !== shown.element) {
    main.replaceChildren(shown.element);
    document.title = view === "shop" ? "visrec" : `${t(view)} · visrec`;
  }
  itemDialog.show(state);
  marks.load(state.user);
  await shown.show(state);
}

frame();
onChange(show);
marks.onSaid(() => show(read()));
show(read());
