// Elements made in one expression. Texts become text nodes, never markup.

const SVG = "http://www.w3.org/2000/svg";

/** An element: properties `class`, `text`, `on` ({event: listener}), `data`; any other is an attribute. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "class") element.className = value;
    else if (name === "text") element.textContent = value;
    else if (name === "on")
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    else if (name === "data") Object.assign(element.dataset, value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(
    ...children.flat(Infinity).filter((child) => child !== undefined && child !== null && child !== false),
  );
  return element;
}

/** One of the icons of index.html. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

/** A button that is an icon to see and a label to hear. */
export function iconButton(name, label, onClick, properties = {}) {
  const all = { type: "button", class: "icon-button", "aria-label": label, title: label, ...properties };
  return h("button", { ...all, on: { click: onClick } }, icon(name));
}

/** Say something to those who cannot see what changed, and unless it is `quiet` show it to the others for a while. */
export function announce(text, { failed = false, quiet = false } = {}) {
  const status = document.getElementById("status");
  status.textContent = "";
  status.classList.toggle("failed", failed);
  requestAnimationFrame(() => {
    status.textContent = text;
    status.classList.toggle("shown", !quiet);
  });
  clearTimeout(announce.timer);
  announce.timer = setTimeout(() => status.classList.remove("shown"), failed ? 9000 : 3000);
}

/** A modal dialog that closes by Escape, its button, or a click beside it. */
export function dialog(name, label, closeLabel, ...children) {
  const box = h("dialog", { class: `dialog ${name}`, "aria-label": label });
  const close = iconButton("close", closeLabel, () => box.close(), { class: "icon-button close" });
  box.append(close, ...children);
  box.addEventListener("click", (event) => {
    if (event.target === box) box.close();
  });
  document.body.append(box);
  return box;
}

/** Call after the last of several calls in a row. */
export function later(call, milliseconds) {
  let timer;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => call(...values), milliseconds);
  };
}
