// The dialog that asks for a key, where the server wants one.

import { dialog, h } from "./dom.js";
import { t } from "./strings.js";

/** Ask until `signIn(key)` succeeds. */
export function askForKey(signIn) {
  return new Promise((done) => {
    const input = h("input", { type: "password", id: "key", autocomplete: "current-password", required: true });
    const wrong = h("p", { class: "error", role: "alert" });
    const form = h(
      "form",
      { class: "stack" },
      h("h2", { text: t("keyTitle") }),
      h("p", { class: "muted", text: t("keyHelp") }),
      h("label", { for: "key", text: t("key") }),
      input,
      wrong,
      h("button", { class: "button main", text: t("signIn") }),
    );
    const box = dialog("small", t("keyTitle"), t("close"), form);
    let signedIn = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      wrong.textContent = "";
      try {
        await signIn(input.value);
        signedIn = true;
        box.close();
      } catch (error) {
        wrong.textContent = error.message;
      }
    });
    box.addEventListener("close", () => {
      if (!signedIn) return box.showModal();
      box.remove();
      done();
    });
    box.showModal();
  });
}
