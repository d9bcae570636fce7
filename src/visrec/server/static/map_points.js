// The points of the map, and a grid over them that finds those in a place without looking at all.

const CELLS = 96;

/** n points in the unit square. */
export class Points {
  /** `x` and `y` are of 0 to 65,535, `colour` places in `colours`, or -1. */
  constructor({ item_ids: ids, x, y, colour, colours }) {
    this.ids = ids;
    this.colour = colour;
    this.colours = colours;
    this.x = Float32Array.from(x, (value) => value / 65535);
    this.y = Float32Array.from(y, (value) => value / 65535);
    this.#index();
    this.byColour = Uint32Array.from(ids.keys()).sort((a, b) => colour[a] - colour[b] || a - b);
  }

  get n() {
    return this.ids.length;
  }

  #cell(value) {
    return Math.max(0, Math.min(CELLS - 1, Math.floor(value * CELLS)));
  }

  #index() {
    this.starts = new Uint32Array(CELLS * CELLS + 1);
    const cells = Uint32Array.from(this.ids, (_, row) => this.#cell(this.y[row]) * CELLS + this.#cell(this.x[row]));
    for (const cell of cells) this.starts[cell + 1]++;
    for (let cell = 0; cell < CELLS * CELLS; cell++) this.starts[cell + 1] += this.starts[cell];
    const next = this.starts.slice();
    this.rows = new Uint32Array(this.n);
    cells.forEach((cell, row) => (this.rows[next[cell]++] = row));
  }

  /** Rows of the points in a rectangle. */
  within(left, top, right, bottom) {
    const found = [];
    for (let row = this.#cell(top); row <= this.#cell(bottom); row++) {
      const from = this.starts[row * CELLS + this.#cell(left)];
      const to = this.starts[row * CELLS + this.#cell(right) + 1];
      for (let place = from; place < to; place++) {
        const one = this.rows[place];
        if (this.x[one] >= left && this.x[one] <= right && this.y[one] >= top && this.y[one] <= bottom) found.push(one);
      }
    }
    return found;
  }

  /** Row of the point nearest to a place, -1 where none is within a distance. */
  nearest(x, y, distance) {
    let best = -1;
    let least = distance * distance;
    for (const row of this.within(x - distance, y - distance, x + distance, y + distance)) {
      const away = (this.x[row] - x) ** 2 + (this.y[row] - y) ** 2;
      if (away <= least) [best, least] = [row, away];
    }
    return best;
  }
}
