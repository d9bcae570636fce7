// Filters as the server's conditions: values of one column are alternatives, columns must all agree.

/** Column -> value -> the condition that the server gave for it. */
const known = new Map();

/** Remember the conditions of /v1/facets. */
export function learn(facets) {
  for (const { column, values } of facets) {
    if (!known.has(column)) known.set(column, new Map());
    for (const one of values) known.get(column).set(one.value, one.where);
  }
}

/** Whether every chosen value's condition is known. */
export function knows(filters) {
  return Object.entries(filters).every(([column, values]) => values.every((value) => known.get(column)?.has(value)));
}

/** The filters without what the server has no condition for. */
export function possible(filters) {
  const kept = Object.entries(filters).map(([column, values]) => [
    column,
    values.filter((v) => known.get(column)?.has(v)),
  ]);
  return Object.fromEntries(kept.filter(([, values]) => values.length));
}

/** One condition for all filters, undefined for none; `but` leaves out a column. */
export function conditionOf(filters, but) {
  const columns = Object.entries(filters).filter(([column, values]) => column !== but && values.length);
  const parts = columns.map(([column, values]) => {
    const conditions = values.map((value) => known.get(column)?.get(value)).filter(Boolean);
    return conditions.length ? `(${conditions.join(" OR ")})` : "";
  });
  return parts.filter(Boolean).join(" AND ") || undefined;
}
