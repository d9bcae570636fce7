// What a list is made of: {item_id, title}.

/** A row of the catalogue as a line of a list. */
export function lineOf(row) {
  const names = Object.keys(row);
  const named = ["title", "name"].map((wanted) => names.find((name) => name.toLowerCase() === wanted)).find(Boolean);
  return { item_id: row.item_id, title: named ? String(row[named]) : "" };
}
