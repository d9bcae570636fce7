// The parts of a taste: pictures that are typical of it, its words, its colours, and what was done.

import { colourOf, swatch } from "./colours.js";
import { h } from "./dom.js";
import { linesOf } from "./lookup.js";
import { columnName, day, has, percent, t } from "./strings.js";
import { itemLink, pictureBox } from "./tile.js";

/** Its medoid large, and a few more. */
export function pictures(itemIds) {
  const links = itemIds.map((id) => itemLink(id, { "aria-label": id }, pictureBox(id, { eager: true })));
  linesOf(itemIds).then(
    (lines) =>
      lines.forEach(
        (line) => line.title && links[itemIds.indexOf(line.item_id)].setAttribute("aria-label", line.title),
      ),
    () => {},
  );
  return h("div", { class: `mosaic of-${links.length}` }, links);
}

/** Each word once, with its share here and, to hover over, in the whole catalogue. */
export function wordList(words) {
  const byValue = new Map(words.map((word) => [word.value.toLowerCase(), word]));
  const chips = [...byValue.values()].map((word) => {
    const shares = { column: columnName(word.column), share: percent(word.share), catalogue: percent(word.catalogue) };
    return h(
      "li",
      { class: "word", title: t("wordShares", shares) },
      swatch(word.value),
      h("span", { text: word.value }),
      h("span", { class: "muted", text: percent(word.share) }),
    );
  });
  return h("ul", { class: "words" }, chips);
}

export function palette(colours) {
  const names = colours.map((one) => `${one.value} ${percent(one.share)}`).join(", ");
  const bar = h("span", { class: "palette", role: "img", "aria-label": t("palette", { names }), title: names });
  for (const one of colours) {
    const part = h("span");
    part.style.flexGrow = one.share;
    part.style.backgroundColor = colourOf(one.value) ?? "transparent";
    bar.append(part);
  }
  return bar;
}

export function event(one) {
  const key = `kind_${one.kind}`;
  const what = has(key) ? t(key, { value: one.value ?? "" }) : one.kind;
  const when = one.timestamp ? day(one.timestamp) : "";
  return h(
    "li",
    {},
    itemLink(
      one.item_id,
      { class: "small-tile" },
      pictureBox(one.item_id),
      h("span", { text: one.title || one.item_id }),
    ),
    h("p", { class: "muted", text: [what, when].filter(Boolean).join(", ") }),
  );
}
