// What pointers and keys do to the map.

const CLICK_PX = 5;
const STEP_PX = 90;
const ZOOM = 1.6;

/** Let a `MapCanvas` be moved; `told` has hover(row, x, y), open(row), select(rectangle), middle(row), list(). */
export class Hands {
  #down = new Map();
  #start = null;
  #moved = false;

  constructor(map, told) {
    this.map = map;
    this.told = told;
    /** Whether a drag selects, as it does with Shift. */
    this.selecting = false;
    const { canvas } = map;
    const listen = (name, listener, options) => canvas.addEventListener(name, (event) => listener(event), options);
    listen("pointerdown", (event) => this.#press(event));
    listen("pointermove", (event) => this.#move(event));
    listen("pointerup", (event) => this.#release(event));
    listen("pointercancel", (event) => this.#forget(event));
    listen("pointerleave", () => this.told.hover(-1));
    listen("wheel", (event) => this.#wheel(event), { passive: false });
    listen("keydown", (event) => this.#key(event));
    listen("blur", () => this.told.hover(-1));
    listen("dblclick", (event) => this.map.eased(() => this.map.zoomAt(2, ...place(event))));
  }

  #press(event) {
    if (event.button) return;
    this.map.stop();
    this.map.canvas.setPointerCapture(event.pointerId);
    this.#down.set(event.pointerId, place(event));
    this.#moved = this.#down.size > 1;
    this.#start = { place: place(event), select: (event.shiftKey || this.selecting) && this.#down.size === 1 };
    this.told.hover(-1);
  }

  #move(event) {
    const now = place(event);
    const before = this.#down.get(event.pointerId);
    if (!before) return event.pointerType === "mouse" && this.told.hover(this.map.under(...now), ...now);
    if (Math.hypot(now[0] - this.#start.place[0], now[1] - this.#start.place[1]) > CLICK_PX) this.#moved = true;
    if (!this.#moved) return;
    if (this.#start.select) this.map.region = this.#rectangle(now);
    else if (this.#down.size === 2) this.#pinch(event.pointerId, before, now);
    else this.map.pan(now[0] - before[0], now[1] - before[1]);
    this.#down.set(event.pointerId, now);
    this.map.draw();
  }

  #pinch(id, before, now) {
    const [other] = [...this.#down].find(([one]) => one !== id).slice(1);
    const distance = ([x, y]) => Math.max(1, Math.hypot(x - other[0], y - other[1]));
    this.map.pan((now[0] - before[0]) / 2, (now[1] - before[1]) / 2);
    this.map.zoomAt(distance(now) / distance(before), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
  }

  #rectangle(now) {
    const [x, y] = this.map.toMap(...this.#start.place);
    const [toX, toY] = this.map.toMap(...now);
    return [Math.min(x, toX), Math.min(y, toY), Math.max(x, toX), Math.max(y, toY)];
  }

  #release(event) {
    const pressed = this.#down.delete(event.pointerId);
    if (!pressed || this.#down.size) return;
    if (this.#moved && this.#start.select) this.told.select(this.#rectangle(place(event)));
    else if (!this.#moved) {
      const row = this.map.under(...place(event));
      if (row >= 0) this.told.open(row);
    }
  }

  #forget(event) {
    this.#down.delete(event.pointerId);
  }

  #wheel(event) {
    event.preventDefault();
    this.map.stop();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    this.map.zoomAt(Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.0022)), ...place(event));
    this.told.hover(-1);
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { map } = this;
    const moves = {
      ArrowLeft: () => map.pan(STEP_PX, 0),
      ArrowRight: () => map.pan(-STEP_PX, 0),
      ArrowUp: () => map.pan(0, STEP_PX),
      ArrowDown: () => map.pan(0, -STEP_PX),
      "+": () => map.zoomAt(ZOOM),
      "=": () => map.zoomAt(ZOOM),
      "-": () => map.zoomAt(1 / ZOOM),
      0: () => map.fit(),
      Home: () => map.fit(),
    };
    if (moves[event.key]) map.eased(moves[event.key]);
    else if (event.key === "Enter" && map.middle() >= 0) this.told.open(map.middle());
    else if (event.key.toLowerCase() === "l") this.told.list();
    else return;
    event.preventDefault();
    this.told.middle(map.middle());
  }
}

const place = (event) => {
  const box = event.currentTarget.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
};
