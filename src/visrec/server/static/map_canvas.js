// The map drawn on a canvas: a dot for every item, pictures where there is room for them.

import { colourOf } from "./colours.js";
import { MapPictures } from "./map_pictures.js";

const MOST_ZOOM = 120;
/** Below this zoom there are dots only. */
const PICTURES_FROM = 1.6;
const PICTURE = 76;
const MOST_PICTURES = 400;
const MARGIN = 0.94;
const EASE_MS = 220;
/** So long after the last move the map is drawn in full; until then dots are plain squares, which are quick. */
const REST_MS = 140;

/** Draws `Points`, and knows which part of them is in view. */
export class MapCanvas {
  #pictures = new MapPictures(() => this.draw());
  #frame = 0;
  #discs = [];

  constructor() {
    this.canvas = document.createElement("canvas");
    this.context = this.canvas.getContext("2d");
    this.points = null;
    this.zoom = 1;
    this.centre = { x: 0.5, y: 0.5 };
    this.marked = -1;
    this.region = null;
    new ResizeObserver(() => this.#resize()).observe(this.canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#restyle());
  }

  /** Show other points; what is in view stays. */
  show(points) {
    this.points = points;
    this.#restyle();
  }

  /** Pixels of the screen for the length 1 of the map. */
  get scale() {
    return Math.min(this.canvas.clientWidth, this.canvas.clientHeight) * MARGIN * this.zoom;
  }

  toScreen(x, y) {
    return [
      (x - this.centre.x) * this.scale + this.canvas.clientWidth / 2,
      (y - this.centre.y) * this.scale + this.canvas.clientHeight / 2,
    ];
  }

  toMap(x, y) {
    return [
      (x - this.canvas.clientWidth / 2) / this.scale + this.centre.x,
      (y - this.canvas.clientHeight / 2) / this.scale + this.centre.y,
    ];
  }

  /** Left, top, right and bottom of what is in view. */
  view() {
    return [...this.toMap(0, 0), ...this.toMap(this.canvas.clientWidth, this.canvas.clientHeight)];
  }

  /** Move by pixels of the screen. */
  pan(dx, dy) {
    this.#look(this.centre.x - dx / this.scale, this.centre.y - dy / this.scale, this.zoom);
  }

  /** Zoom around a place of the screen, which stays where it is. */
  zoomAt(factor, x = this.canvas.clientWidth / 2, y = this.canvas.clientHeight / 2) {
    const [mapX, mapY] = this.toMap(x, y);
    const zoom = Math.max(0.7, Math.min(MOST_ZOOM, this.zoom * factor));
    const kept = this.zoom / zoom;
    this.#look(mapX + (this.centre.x - mapX) * kept, mapY + (this.centre.y - mapY) * kept, zoom);
  }

  /** Show all of it, or a rectangle. */
  fit([left, top, right, bottom] = [0, 0, 1, 1]) {
    const base = Math.min(this.canvas.clientWidth, this.canvas.clientHeight) * MARGIN;
    const zoom = Math.min(this.canvas.clientWidth / (right - left), this.canvas.clientHeight / (bottom - top)) / base;
    const whole = right - left === 1 && bottom - top === 1;
    this.#look((left + right) / 2, (top + bottom) / 2, whole ? 1 : Math.min(MOST_ZOOM, 0.9 * zoom));
  }

  /** Let moves by keys and buttons be smooth. */
  eased(move) {
    const before = { ...this.centre, zoom: this.zoom };
    // A second key before the first move has ended goes on from where that leads to.
    this.finish();
    move();
    const after = { ...this.centre, zoom: this.zoom };
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    this.#look(before.x, before.y, before.zoom);
    const started = performance.now();
    const step = (now) => {
      const part = Math.min(1, (now - started) / EASE_MS);
      const share = 1 - (1 - part) ** 3;
      const between = (name) => before[name] + (after[name] - before[name]) * share;
      const zoom = before.zoom * (after.zoom / before.zoom) ** share;
      this.#look(between("x"), between("y"), zoom);
      if (part < 1) this.easing = requestAnimationFrame(step);
      else this.goal = null;
    };
    this.stop();
    this.goal = after;
    this.easing = requestAnimationFrame(step);
  }

  /** End a smooth move where it is: a hand is quicker. */
  stop() {
    cancelAnimationFrame(this.easing);
    this.goal = null;
  }

  /** End a smooth move where it leads to. */
  finish() {
    if (this.goal) this.#look(this.goal.x, this.goal.y, this.goal.zoom);
    this.stop();
  }

  #look(x, y, zoom) {
    this.centre = { x: Math.max(-0.2, Math.min(1.2, x)), y: Math.max(-0.2, Math.min(1.2, y)) };
    this.zoom = zoom;
    this.moving = true;
    this.draw();
    this.#rest();
  }

  /** Row of the item under a place of the screen, -1 for none. */
  under(x, y) {
    for (let place = this.shown?.length - 1; place >= 0; place--) {
      const one = this.shown[place];
      if (Math.abs(x - one.x) <= one.width / 2 && Math.abs(y - one.y) <= one.height / 2) return one.row;
    }
    return this.points ? this.points.nearest(...this.toMap(x, y), 12 / this.scale) : -1;
  }

  /** Row of the item nearest to the middle. */
  middle() {
    return this.points ? this.points.nearest(this.centre.x, this.centre.y, 0.5 * Math.hypot(1, 1)) : -1;
  }

  /** Draw before the next frame. */
  draw() {
    if (this.#frame || !this.points) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.#drawNow();
    });
  }

  #resize() {
    const ratio = Math.min(2, devicePixelRatio);
    this.canvas.width = Math.round(this.canvas.clientWidth * ratio);
    this.canvas.height = Math.round(this.canvas.clientHeight * ratio);
    this.ratio = ratio;
    this.draw();
  }

  #restyle() {
    const style = getComputedStyle(document.documentElement);
    this.accent = style.getPropertyValue("--accent").trim();
    this.like = style.getPropertyValue("--like").trim();
    this.#discs = [];
    this.draw();
  }

  /** Draw in full once nothing moves any more. */
  #rest() {
    clearTimeout(this.resting);
    this.resting = setTimeout(() => {
      this.moving = false;
      this.draw();
    }, REST_MS);
  }

  #drawNow() {
    const { context, canvas, ratio } = this;
    if (!canvas.width) return;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, canvas.clientWidth, canvas.clientHeight);
    this.#drawDots();
    this.shown = [];
    if (this.zoom >= PICTURES_FROM) this.#drawPictures();
    this.#drawMarks();
    canvas.dataset.drawn = String(Number(canvas.dataset.drawn ?? 0) + 1);
    canvas.dataset.pictures = String(this.shown.length);
  }

  #drawDots() {
    const { points, context } = this;
    const [left, top, right, bottom] = this.view();
    const radius = Math.max(1.6, Math.min(6, (1.1 + 22 / Math.sqrt(points.n)) * Math.sqrt(this.zoom)));
    const { scale } = this;
    const [shiftX, shiftY] = this.toScreen(0, 0);
    let colour;
    for (const row of points.byColour) {
      const x = points.x[row];
      const y = points.y[row];
      if (x < left || x > right || y < top || y > bottom) continue;
      const screenX = x * scale + shiftX;
      const screenY = y * scale + shiftY;
      if (this.moving) {
        if (points.colour[row] !== colour) context.fillStyle = this.#colourOf((colour = points.colour[row]));
        context.fillRect(screenX - radius, screenY - radius, 2 * radius, 2 * radius);
      } else {
        const disc = this.#disc(points.colour[row], radius);
        context.drawImage(disc, screenX - disc.size / 2, screenY - disc.size / 2, disc.size, disc.size);
      }
    }
  }

  #colourOf(colour) {
    return (colour >= 0 && colourOf(this.points.colours[colour])) || this.accent;
  }

  /** A dot of a colour, drawn once for each size: thousands of copies are quicker than thousands of circles. */
  #disc(colour, radius) {
    const size = Math.round(radius * 4) / 4;
    if (this.#discs.size !== size) {
      this.#discs = [];
      this.#discs.size = size;
    }
    return (this.#discs[colour + 1] ??= this.#makeDisc(colour, size));
  }

  #makeDisc(colour, radius) {
    const disc = document.createElement("canvas");
    disc.size = 2 * radius + 2;
    disc.width = disc.height = Math.ceil(disc.size * this.ratio);
    const context = disc.getContext("2d");
    context.scale(disc.width / disc.size, disc.height / disc.size);
    context.beginPath();
    context.arc(radius + 1, radius + 1, radius, 0, 2 * Math.PI);
    context.fillStyle = this.#colourOf(colour);
    context.fill();
    context.lineWidth = 0.6;
    context.strokeStyle = "rgb(128 128 128 / 55%)";
    context.stroke();
    return disc;
  }

  /** One picture for each cell of a grid that lies still on the map: the item that comes first in it. */
  #drawPictures() {
    const step = 2 ** Math.round(Math.log2(PICTURE / this.scale));
    const [left, top, right, bottom] = this.view();
    const taken = new Set();
    const rows = this.points.within(left - step, top - step, right + step, bottom + step).sort((a, b) => a - b);
    const side = Math.min(step * this.scale * 0.94, 1.4 * PICTURE);
    this.#pictures.begin();
    for (const row of rows) {
      const cell = `${Math.floor(this.points.x[row] / step)},${Math.floor(this.points.y[row] / step)}`;
      if (taken.has(cell) || taken.size > MOST_PICTURES) continue;
      taken.add(cell);
      const image = this.#pictures.of(this.points.ids[row]);
      if (image) this.#drawPicture(row, image, side);
    }
    this.#pictures.load();
  }

  #drawPicture(row, image, side) {
    const { context } = this;
    const [x, y] = this.toScreen(this.points.x[row], this.points.y[row]);
    const shrink = side / Math.max(image.width, image.height);
    const width = image.width * shrink;
    const height = image.height * shrink;
    context.drawImage(image, x - width / 2, y - height / 2, width, height);
    this.shown.push({ row, x, y, width, height });
  }

  #drawMarks() {
    const { context } = this;
    if (this.region) {
      const [left, top] = this.toScreen(this.region[0], this.region[1]);
      const [right, bottom] = this.toScreen(this.region[2], this.region[3]);
      context.lineWidth = 2;
      context.strokeStyle = this.accent;
      context.setLineDash([6, 4]);
      context.strokeRect(left, top, right - left, bottom - top);
      context.setLineDash([]);
      context.globalAlpha = 0.09;
      context.fillStyle = this.accent;
      context.fillRect(left, top, right - left, bottom - top);
      context.globalAlpha = 1;
    }
    if (this.marked >= 0) {
      const [x, y] = this.toScreen(this.points.x[this.marked], this.points.y[this.marked]);
      context.beginPath();
      context.arc(x, y, 9, 0, 2 * Math.PI);
      context.lineWidth = 3;
      context.strokeStyle = this.like;
      context.stroke();
    }
  }
}
