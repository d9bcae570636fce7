// Every word that the page says. Another language is another table here.

const EN = {
  skip: "Skip to the content",
  shop: "Shop",
  person: "Taste",
  map: "Map",
  close: "Close",
  loading: "Loading…",
  more: "Show more",
  again: "Try again",
  end: "That is all: {n} items.",
  nothing: "Nothing fits. Take a filter away, or like something else.",
  unreachable: "The server cannot be reached. Is it still running?",
  noPicture: "no picture",
  key: "Key",
  keyTitle: "A key is needed",
  keyHelp: "This shop is open to those who have a key. It is kept in a cookie of this browser.",
  signIn: "Sign in",

  searchByPicture: "Search by picture",
  searchHelp: "Choose, drop or paste a picture",
  dropHere: "Drop a picture to search by it",
  notAPicture: "That is not a picture.",
  pictureGone: "The picture was kept in memory only, and is gone. Choose it again.",
  yourPicture: "Your picture",

  headPopular: "Popular here",
  headLikes: "For what you like",
  headUser: "For {user}",
  headSimilar: "More like this",
  headPicture: "Like your picture",
  likes: "You like",
  dislikes: "You do not like",
  remove: "Take away: {title}",
  clearLikes: "Start over",
  clearSearch: "Back to everything",
  arrived: "{n} items.",
  list: "Items",

  like: "Like: {title}",
  dislike: "Not for me: {title}",
  moreLike: "More like this: {title}",
  said_like: "Liked: {title}",
  said_dislike: "Not for you: {title}",
  said_nothing: "Taken back: {title}",
  already_like: "You like this already: {title}",
  already_dislike: "You said that already: {title}",

  filters: "Filters",
  clearFilters: "Clear all",
  diversity: "Variety",
  diversityLow: "closest match",
  diversityHigh: "most varied",
  moreValues: "{n} more",
  fewerValues: "fewer",
  count: "{n}",

  who: "Who are you?",
  whoNobody: "Guest",
  whoHelp: "Type a customer’s id, or take one of these. What you like is then kept in the shop’s log.",
  whoId: "Customer id",
  whoGo: "Continue",
  whoLeave: "Continue as a guest",

  reason_visual: "looks like what you like",
  reason_collaborative: "liked by people like you",
  reason_text: "reads alike",
  reason_category: "the kind you like",
  reason_popular: "popular",
  reason_appeal: "catches the eye",
  reason_rule: "the shop’s pick",
  part_visual: "looks",
  part_collaborative: "people like you",
  part_text: "words",
  part_category: "kind",
  part_popular: "popularity",
  part_appeal: "appeal",
  part_rule: "the shop’s rules",

  personNobody: "Whose taste?",
  personNobodyHelp:
    "A customer’s taste is read from what they did: groups of pictures that look alike, their colours and their words.",
  personChoose: "Choose a customer",
  personTitle: "The taste of {user}",
  personUnknown: "Nothing is known of {user} yet. Like some things in the shop, and look here again.",
  personToShop: "To the shop",
  personFacts: "{liked} liked, {disliked} not liked, {sure}% sure",
  personLeftOut: "{n} left out by hand",
  interests: "Interests",
  interest: "Interest {n}",
  interestItems: "of what was liked, {n} items",
  avoidedItems: "of what was not liked, {n} items",
  interestRemove: "Take out",
  interestRemoveLabel: "Take interest {n} out of the taste: {words}",
  interestRemoved: "Interest {n} was taken out. “Undo” brings it back.",
  interestNone: "No group of liked pictures stands out yet.",
  wordShares: "{column}: {share} here, {catalogue} of the catalogue",
  avoids: "Avoids",
  reset: "Begin anew",
  resetAsk:
    "Begin anew? What was liked until now counts no longer, for this profile and the recommendations. “Undo” takes this back.",
  resetDone: "The taste begins anew. “Undo” takes this back.",
  undo: "Undo changes",
  undone: "All changes to the taste were taken back.",
  cancel: "Cancel",
  palette: "Colours: {names}",
  recommended: "Recommended, and why",
  history: "What they did",
  historyEmpty: "Nothing yet.",
  kind_like: "liked",
  kind_dislike: "not for them",
  kind_buy: "bought",
  kind_view: "looked at",
  kind_click: "looked at",
  kind_save: "saved",
  kind_cart: "put into the cart",
  kind_skip: "passed over",
  kind_rate: "rated {value}",
  partsOf: "Score: {parts}",

  mapTitle: "The map of the catalogue",
  mapHelp:
    "What looks alike lies side by side. Drag to move, scroll or pinch to zoom, click to open, Shift and drag to list a region. Keys: arrows, + and −, 0 for all of it, Enter for the item in the middle, L to list what is in view.",
  mapLabel: "Map of {n} items",
  mapZoomIn: "Zoom in",
  mapZoomOut: "Zoom out",
  mapFit: "Show all of it",
  mapSelect: "Select a region",
  mapList: "List what is in view",
  mapSettling: "A better layout is being worked out; the map will move to it.",
  mapSettled: "The better layout is ready.",
  mapRegion: "In the region",
  mapRegionClear: "Clear the selection",
  mapMiddle: "In the middle: {title}",

  itemSeen: "Seen in the picture",
  itemFacts: "Details",
  itemSimilar: "Looks alike",
  moreLikeThis: "More like this",
  sure: "{n}% sure",
};

/** The language that the page is in: the first of those that the reader wants. */
export const LANGUAGE =
  navigator.languages.map((one) => one.slice(0, 2)).find((one) => ["en", "zh"].includes(one)) ?? "en";

const WORDS = LANGUAGE === "zh" ? { ...EN, ...(await import("./strings_zh.js")).ZH } : EN;

const number = new Intl.NumberFormat(LANGUAGE);

/** A text, its {places} filled in. */
export function t(key, values = {}) {
  return (WORDS[key] ?? key).replace(/\{(\w+)\}/g, (_, name) =>
    typeof values[name] === "number" ? number.format(values[name]) : values[name],
  );
}

/** A share as per cent. */
export const percent = (share) => (share > 0 && share < 0.01 ? "<1%" : `${Math.round(100 * share)}%`);

/** A day, as people of this language write it. */
export const day = (seconds) => new Intl.DateTimeFormat(LANGUAGE, { dateStyle: "medium" }).format(1000 * seconds);

/** Whether there is a text. */
export const has = (key) => key in WORDS;

/** A column's name as people write it. */
export function columnName(name) {
  const words = name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Why an item is in a list: the server's sentence where it gave one, else a few words. */
export function reasonOf(line) {
  const sentence = line.reasons?.sentence;
  if (sentence) return sentence[LANGUAGE] ?? sentence.en;
  const key = `reason_${line.source}`;
  return has(key) ? t(key) : (line.source ?? "");
}
