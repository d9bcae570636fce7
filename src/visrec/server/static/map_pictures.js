// The pictures on the map: a few are fetched at once, those in view only, and the latest used are kept.

import * as api from "./api.js";

const AT_ONCE = 6;
const KEPT = 1200;
const WIDTH = 120;

/** Pictures by item id; `arrived` is called whenever one more can be drawn. */
export class MapPictures {
  #kept = new Map();
  #waiting = [];
  #loading = 0;

  constructor(arrived) {
    this.arrived = arrived;
  }

  /** A new frame: what the last one waited for may be out of view. */
  begin() {
    this.#waiting = [];
  }

  /** An item's picture as a canvas, once it is there; until then it is waited for. */
  of(id) {
    const image = this.#kept.get(id);
    if (!image) {
      this.#waiting.push(id);
      return null;
    }
    // The latest used are the last to be forgotten.
    this.#kept.delete(id);
    this.#kept.set(id, image);
    return image.rounded ?? null;
  }

  /** Fetch what is waited for. */
  load() {
    while (this.#loading < AT_ONCE && this.#waiting.length) {
      const id = this.#waiting.shift();
      if (!this.#kept.has(id)) this.#fetch(id);
    }
    while (this.#kept.size > KEPT) this.#kept.delete(this.#kept.keys().next().value);
  }

  #fetch(id) {
    const image = new Image();
    this.#kept.set(id, image);
    this.#loading += 1;
    image.onload = image.onerror = () => {
      image.rounded = image.naturalWidth ? rounded(image) : null;
      this.#loading -= 1;
      this.arrived();
      this.load();
    };
    image.src = api.picture(id, WIDTH);
  }
}

/** A picture with round corners, cut once instead of with every frame. */
function rounded(image) {
  const canvas = document.createElement("canvas");
  canvas.width = image.naturalWidth;
  canvas.height = image.naturalHeight;
  const context = canvas.getContext("2d");
  context.roundRect(0, 0, canvas.width, canvas.height, 0.08 * Math.max(canvas.width, canvas.height));
  context.clip();
  context.drawImage(image, 0, 0);
  return canvas;
}
