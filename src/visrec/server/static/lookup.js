// Names of items of which only the ids are known, many with one request.

import * as api from "./api.js";
import { lineOf } from "./lines.js";

const LONGEST = 3000;
const MOST = 40;
const known = new Map();

/** Lines {item_id, title} of some items, in their order; those that are gone are left out. */
export async function linesOf(itemIds, signal) {
  const missing = itemIds.filter((id) => !known.has(id));
  await Promise.all(parts(missing).map((part) => fetchPart(part, signal)));
  return itemIds.map((id) => known.get(id)).filter(Boolean);
}

async function fetchPart(ids, signal) {
  const where = `item_id IN (${ids.map(quoted).join(", ")})`;
  const { items } = await api.items({ where, k: ids.length }, signal);
  for (const row of items) known.set(row.item_id, lineOf(row));
}

const quoted = (id) => `'${id.replaceAll("'", "''")}'`;

function parts(ids) {
  const all = [];
  let length = Infinity;
  for (const id of ids) {
    length += quoted(id).length + 2;
    if (length > LONGEST || all.at(-1).length >= MOST) {
      all.push([]);
      length = quoted(id).length + 2;
    }
    all.at(-1).push(id);
  }
  return all;
}
