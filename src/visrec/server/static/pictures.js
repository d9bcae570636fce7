// Pictures to search by: chosen, dropped or pasted. They stay in this page's memory; the address holds their numbers.

import { announce } from "./dom.js";
import { go } from "./state.js";
import { t } from "./strings.js";

const kept = new Map();

/** The files of some numbers; those of an earlier visit are gone. */
export const filesOf = (numbers) => numbers.map((number) => kept.get(number)?.file).filter(Boolean);

/** Where the page finds a picture to show it. */
export const addressOf = (number) => kept.get(number)?.url;

/** Search by some files. */
export function searchBy(files) {
  const pictures = [...files].filter((file) => file.type.startsWith("image/"));
  if (!pictures.length) return announce(t("notAPicture"), { failed: true });
  const numbers = pictures.slice(0, 5).map((file) => {
    const number = `${Date.now().toString(36)}${kept.size}`;
    kept.set(number, { file, url: URL.createObjectURL(file) });
    return number;
  });
  go({ view: "shop", picture: numbers, similar: "", item: "", region: "" });
}

/** Take pictures that are dropped anywhere, or pasted outside of a field. */
export function listen(overlay) {
  let depth = 0;
  const show = (on) => (overlay.hidden = !on);
  const holdsFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  addEventListener("dragenter", (event) => holdsFiles(event) && show(++depth > 0));
  addEventListener("dragleave", (event) => holdsFiles(event) && show(--depth > 0));
  addEventListener("dragover", (event) => holdsFiles(event) && event.preventDefault());
  addEventListener("drop", (event) => {
    depth = 0;
    show(false);
    if (!holdsFiles(event)) return;
    event.preventDefault();
    searchBy(event.dataTransfer.files);
  });
  addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length) searchBy(files);
  });
}
