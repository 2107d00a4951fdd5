// The dialog in which one proves again who one is; what was typed on the page stays.

import "./keys.js";
import { stillSignedIn } from "./feed.js";

const CONFIRM = "/accounts/reauthenticate/";
const FRAGMENT = { "HX-Request": "true" };

/** Say whether the person is proved; asks in a dialog where that was too long ago. */
export async function proven() {
  const answer = await fetch(CONFIRM, { headers: FRAGMENT, cache: "no-store" });
  if (answer.status === 204) return true;
  if (!answer.ok) return stillSignedIn().then(() => false);
  const before = document.activeElement;
  const proved = await asked(await answer.text());
  before?.focus();
  return proved;
}

function asked(html) {
  document.getElementById("step-up")?.remove();
  document.body.append(document.createRange().createContextualFragment(html));
  const dialog = document.getElementById("step-up");
  return new Promise((resolve) => {
    dialog.addEventListener("submit", async (event) => {
      event.preventDefault();
      event.stopPropagation();
      event.submitter && (event.submitter.disabled = true);
      const form = event.target;
      const answer = await fetch(CONFIRM, { method: "POST", body: new FormData(form), headers: FRAGMENT });
      if (answer.status === 204) dialog.close("proved");
      else if (answer.status === 422) resolve(asked(await answer.text()));
      else dialog.close();
    });
    dialog.addEventListener("close", () => {
      const proved = dialog.returnValue === "proved";
      dialog.remove();
      resolve(proved);
    });
    dialog.showModal();
  });
}
