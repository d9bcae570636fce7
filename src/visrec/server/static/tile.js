// One item of a list: its picture, its name, why it is there, and what can be done with it.

import * as api from "./api.js";
import { h, iconButton } from "./dom.js";
import { mark, markOf, onMarks } from "./marks.js";
import { address, go, read } from "./state.js";
import { percent, reasonOf, t } from "./strings.js";

/** An item's picture in a box of fixed shape, so that nothing moves when it arrives. */
export function pictureBox(itemId, { alt = "", eager = false, width = 240 } = {}) {
  const image = h("img", {
    src: api.picture(itemId, width),
    srcset: `${api.picture(itemId, width)} 1x, ${api.picture(itemId, Math.min(960, 2 * width))} 2x`,
    alt,
    loading: eager ? "eager" : "lazy",
    decoding: "async",
  });
  const box = h("span", { class: "picture" }, image);
  image.addEventListener("load", () => box.classList.add("there"));
  image.addEventListener("error", () => {
    image.remove();
    box.classList.add("missing");
    box.append(h("span", { class: "missing-text", text: t("noPicture") }));
  });
  return box;
}

/** A link that opens the item's dialog, and as a link can be opened elsewhere too. */
export function itemLink(itemId, properties, ...children) {
  const link = h("a", { href: address({ ...read(), item: itemId }), ...properties }, ...children);
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    go({ item: itemId });
  });
  return link;
}

/** Like and dislike, as two buttons that stay pressed. */
export function markButtons(itemId, title) {
  return ["like", "dislike"].map((kind) =>
    iconButton(kind, t(kind, { title }), () => mark(itemId, kind, title), {
      class: `icon-button ${kind}`,
      "data-marks": itemId,
      "data-kind": kind,
      "aria-pressed": String(markOf(itemId) === kind),
    }),
  );
}

onMarks(() => {
  for (const button of document.querySelectorAll("[data-marks]")) {
    button.setAttribute("aria-pressed", String(markOf(button.dataset.marks) === button.dataset.kind));
  }
});

/** Where a score comes from, as a bar; what pulled it down is left out. */
function partsBar(parts) {
  const up = Object.entries(parts)
    .filter(([, value]) => value > 0)
    .sort(([, a], [, b]) => b - a);
  const sum = up.reduce((total, [, value]) => total + value, 0);
  if (!sum) return undefined;
  const shares = up.map(([source, value]) => [source, value / sum]).filter(([, share]) => share >= 0.01);
  const words = shares.map(([source, share]) => `${t(`part_${source}`)} ${percent(share)}`).join(", ");
  const bar = h("span", { class: "parts", role: "img", "aria-label": t("partsOf", { parts: words }), title: words });
  for (const [source, share] of shares) {
    const part = h("span", { class: `part ${source}` });
    part.style.flexGrow = share;
    bar.append(part);
  }
  return bar;
}

/** A list line of the API as a tile. */
export function tile(line, { eager = false, reason = true, parts = false } = {}) {
  const title = line.title || line.item_id;
  const why = reason ? reasonOf(line) : "";
  const similar = iconButton("similar", t("moreLike", { title }), () =>
    go({ view: "shop", similar: line.item_id, picture: [], item: "", region: "" }),
  );
  return h(
    "li",
    { class: "tile", data: { item: line.item_id } },
    itemLink(
      line.item_id,
      { class: "tile-link" },
      pictureBox(line.item_id, { eager }),
      h("span", { class: "tile-title", text: title }),
    ),
    why && h("p", { class: "tile-reason", text: why }),
    parts && partsBar(line.parts ?? {}),
    h("div", { class: "tile-actions" }, markButtons(line.item_id, title), h("span", { class: "spring" }), similar),
  );
}
