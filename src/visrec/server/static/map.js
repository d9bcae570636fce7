// The map of the catalogue: to wander in, and to select from.

import * as api from "./api.js";
import { announce, h, icon, iconButton, later } from "./dom.js";
import { Grid } from "./grid.js";
import { linesOf } from "./lookup.js";
import { MapCanvas } from "./map_canvas.js";
import { Hands } from "./map_hands.js";
import { Points } from "./map_points.js";
import { go } from "./state.js";
import { t } from "./strings.js";
import { pictureBox } from "./tile.js";

const AGAIN_MS = 8000;
const PAGE = 40;
const ZOOM = 1.6;

/** The view of `?view=map`. */
export class MapView {
  #region = "";
  #method = "";

  constructor() {
    this.map = new MapCanvas();
    this.hands = new Hands(this.map, {
      hover: (row, x, y) => this.#hover(row, x, y),
      open: (row) => go({ item: this.map.points.ids[row] }),
      select: (rectangle) => this.#select(rectangle),
      middle: (row) => this.#middle(row),
      list: () => this.#listView(),
    });
    this.tip = h("div", { class: "map-tip", hidden: true, "aria-hidden": "true" });
    this.state = h("p", { class: "map-loading muted", role: "status", text: t("loading") });
    this.settling = h("p", { class: "note", hidden: true, text: t("mapSettling") });
    this.canvas = this.map.canvas;
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "application");
    this.canvas.setAttribute("aria-describedby", "map-help");
    this.grid = new Grid({ label: t("mapRegion") });
    this.chosen = h("span", { class: "muted" });
    const clear = h("button", { type: "button", class: "button", text: t("mapRegionClear") });
    clear.addEventListener("click", () => go({ region: "" }));
    this.list = h(
      "section",
      { class: "map-list", "aria-label": t("mapRegion"), hidden: true },
      h(
        "div",
        { class: "list-head" },
        h("h2", { text: t("mapRegion") }),
        this.chosen,
        h("span", { class: "spring" }),
        clear,
      ),
      this.grid.element,
    );
    const frame = h("div", { class: "map-frame" }, this.canvas, this.tip, this.state);
    const help = h("p", { class: "map-help muted", id: "map-help", text: t("mapHelp") });
    const head = h(
      "div",
      { class: "map-head" },
      h("h1", { text: t("mapTitle") }),
      h("span", { class: "spring" }),
      h("div", { class: "map-tools" }, this.#buttons()),
    );
    this.element = h("div", { class: "map" }, h("div", {}, head, this.settling, frame, help), this.list);
    this.sayMiddle = later((row) => this.#sayMiddle(row), 350);
    this.nameTip = later((row, name) => this.#nameTip(row, name), 90);
  }

  /** Show the map, and the region that the address names. */
  async show({ region }) {
    if (!this.map.points) await this.#load();
    if (!this.map.points || region === this.#region) return;
    this.#region = region;
    this.#list(region && region.split(",").map((value) => Number(value) / 1000));
  }

  #buttons() {
    const eased = (move) => () => this.map.eased(move);
    this.select = iconButton("select", t("mapSelect"), () => this.#selecting(!this.hands.selecting), {
      "aria-pressed": "false",
    });
    const list = h("button", { type: "button", class: "button" }, icon("shop"), h("span", { text: t("mapList") }));
    list.addEventListener("click", () => this.#listView());
    return [
      iconButton(
        "plus",
        t("mapZoomIn"),
        eased(() => this.map.zoomAt(ZOOM)),
      ),
      iconButton(
        "minus",
        t("mapZoomOut"),
        eased(() => this.map.zoomAt(1 / ZOOM)),
      ),
      iconButton(
        "fit",
        t("mapFit"),
        eased(() => this.map.fit()),
      ),
      this.select,
      list,
    ];
  }

  #selecting(on) {
    this.hands.selecting = on;
    this.select.setAttribute("aria-pressed", String(on));
    this.canvas.classList.toggle("selecting", on);
  }

  async #load() {
    try {
      this.#draw(await api.map());
      this.state.hidden = true;
      this.element.classList.add("ready");
    } catch (error) {
      const again = h("button", { type: "button", class: "button", text: t("again") });
      again.addEventListener("click", () => {
        this.state.textContent = t("loading");
        this.#load();
      });
      this.state.replaceChildren(h("span", {}, h("span", { class: "error", text: error.message }), " ", again));
    }
  }

  #draw(found) {
    if (this.#method && found.method !== this.#method) announce(t("mapSettled"));
    this.#method = found.method;
    this.map.show(new Points(found));
    this.canvas.dataset.method = found.method;
    this.canvas.setAttribute("aria-label", t("mapLabel", { n: found.item_ids.length }));
    this.settling.hidden = found.method === "tsne";
    if (found.method !== "tsne") setTimeout(() => this.#look(), AGAIN_MS);
  }

  /** Whether the better layout is there. */
  async #look() {
    if (!this.element.isConnected || document.hidden) return setTimeout(() => this.#look(), AGAIN_MS);
    try {
      this.#draw(await api.map());
    } catch (error) {
      announce(error.message, { failed: true });
    }
  }

  #hover(row, x, y) {
    this.map.marked = row;
    this.map.draw();
    this.tip.hidden = !(row >= 0);
    if (!(row >= 0)) return;
    const id = this.map.points.ids[row];
    if (this.tip.dataset.item !== id) {
      const name = h("span", {});
      this.tip.dataset.item = id;
      this.tip.replaceChildren(pictureBox(id, { eager: true }), name);
      this.nameTip(row, name);
    }
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const left = x + 18 + this.tip.offsetWidth > width ? x - 18 - this.tip.offsetWidth : x + 18;
    const top = Math.max(8, Math.min(height - this.tip.offsetHeight - 8, y - 60));
    this.tip.style.transform = `translate(${Math.max(8, left)}px, ${top}px)`;
  }

  async #nameTip(row, name) {
    const id = this.map.points.ids[row];
    try {
      name.textContent = (await linesOf([id]))[0]?.title || id;
    } catch {
      name.textContent = id;
    }
  }

  #middle(row) {
    this.sayMiddle(row);
  }

  async #sayMiddle(row) {
    if (row < 0 || document.activeElement !== this.canvas) return;
    const { points } = this.map;
    this.#hover(row, ...this.map.toScreen(points.x[row], points.y[row]));
    const [line] = await linesOf([points.ids[row]]).catch(() => []);
    announce(t("mapMiddle", { title: line?.title || points.ids[row] }), { quiet: true });
  }

  #listView() {
    this.map.finish();
    this.#select(this.map.view());
  }

  #select(rectangle) {
    this.#selecting(false);
    go({ region: rectangle.map((value) => Math.round(1000 * value)).join(",") });
  }

  #list(rectangle) {
    this.map.region = rectangle || null;
    this.map.draw();
    this.list.hidden = !rectangle;
    this.element.classList.toggle("listing", Boolean(rectangle));
    if (!rectangle) return this.grid.clear();
    const { points } = this.map;
    const [x, y] = [(rectangle[0] + rectangle[2]) / 2, (rectangle[1] + rectangle[3]) / 2];
    const away = (row) => (points.x[row] - x) ** 2 + (points.y[row] - y) ** 2;
    const ids = points
      .within(...rectangle)
      .sort((a, b) => away(a) - away(b))
      .map((row) => points.ids[row]);
    this.chosen.textContent = t("arrived", { n: ids.length });
    announce(t("arrived", { n: ids.length }));
    this.grid.show(async function* (signal) {
      for (let start = 0; start < ids.length; start += PAGE) {
        yield { items: await linesOf(ids.slice(start, start + PAGE), signal), note: "" };
      }
    });
  }
}
