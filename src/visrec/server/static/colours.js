// The colours that recognition has names for, as it shows them.

import { h } from "./dom.js";

const NAMED = {
  black: "#332f30",
  grey: "#777777",
  "light grey": "#c5c0c1",
  white: "#f4f2f2",
  cream: "#f0e7d7",
  beige: "#d8c3aa",
  taupe: "#9d8e85",
  brown: "#634432",
  khaki: "#606048",
  green: "#5f8a61",
  turquoise: "#4a8e90",
  blue: "#3e6e9c",
  "light blue": "#9cb5cc",
  navy: "#212b40",
  purple: "#59396d",
  lilac: "#b8a4c3",
  pink: "#d38a93",
  "light pink": "#eacacc",
  magenta: "#c53985",
  red: "#b43838",
  burgundy: "#5b222b",
  orange: "#d08357",
  yellow: "#f4d763",
  mustard: "#c6962b",
};

/** A name's colour, undefined for a name that is none. */
export const colourOf = (name) => NAMED[name.toLowerCase()] ?? NAMED[name.toLowerCase().replace("gray", "grey")];

/** A dot of a named colour; undefined for a name that is none. */
export function swatch(name) {
  const colour = colourOf(name);
  if (!colour) return undefined;
  const dot = h("span", { class: "swatch", "aria-hidden": "true" });
  dot.style.backgroundColor = colour;
  return dot;
}
