// What pages need besides HTML: live tasks, ticking times, the palette, dialogs, steppers, copying, downloads.

import { apply, morph } from "./apply.js";
import { refresh, stillSignedIn } from "./feed.js";
import { Line } from "./live.js";
import { again } from "./sensitive.js";
import { tick } from "./times.js";

const SPEAK_EVERY = 5000;

const switcher = document.querySelector("button.tenant"); // its script comes when it is about to be used
for (const sign of ["pointerenter", "focus", "click"])
  switcher?.addEventListener(sign, () => import("./tenants.js"), { once: true });

customElements.define(
  "live-task",
  class extends HTMLElement {
    connectedCallback() {
      queueMicrotask(() => this.isConnected && this.begin()); // a morph sets the attributes after inserting
    }

    begin() {
      const log = this.querySelector(".log");
      if (log) log.scrollTop = log.scrollHeight;
      if (this.line || this.dataset.state === "done") return;
      let spoken = 0;
      this.line = new Line({
        ws: this.getAttribute("src"),
        sse: this.getAttribute("stream") ?? undefined,
        after: this.after ?? Number(this.getAttribute("after")),
        onstate: (state) => (this.dataset.state = state),
        onmessage: (message) => {
          const log = this.querySelector(".log");
          const follows = log && log.scrollHeight - log.scrollTop - log.clientHeight < 40;
          apply(message.html);
          if (follows) log.scrollTop = log.scrollHeight;
          tick();
          if (!message.end && performance.now() - spoken < SPEAK_EVERY) return;
          spoken = performance.now();
          this.querySelector("[role=status]").textContent = this.querySelector("[data-say]")?.textContent ?? "";
        },
      });
    }

    again() {
      this.after = this.line?.after;
      this.line = undefined;
      this.begin();
    }

    disconnectedCallback() {
      this.line?.stop();
      this.line = undefined;
    }
  },
);

// dialogs by command/commandfor, where the browser does not know them yet; and the one that the server wants open
const knowsCommands = "command" in HTMLButtonElement.prototype;
document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const dialog = !knowsCommands && document.getElementById(button.getAttribute("commandfor"));
  if (dialog) button.getAttribute("command") === "close" ? dialog.close() : dialog.showModal();
  if (button.dataset.step) step(button);
  if (button.dataset.copy !== undefined) copy(button);
});
document.querySelector("dialog[data-open]")?.showModal();

// what is shown once goes with its dialog; data-once="reload": then the page shows what was made
for (const shown of document.querySelectorAll("#kubeconfig-shown, [data-once]"))
  shown.closest("dialog")?.addEventListener("close", () => {
    const made = shown.childElementCount && shown.dataset.once;
    shown.replaceChildren();
    if (made) location.reload();
  });

function step(button) {
  const input = button.parentElement.querySelector("input");
  button.dataset.step === "up" ? input.stepUp() : input.stepDown();
  input.dispatchEvent(new Event("change", { bubbles: true }));
}

async function copy(button) {
  await navigator.clipboard.writeText(button.parentElement.querySelector("pre").textContent);
  button.classList.add("good");
  const use = button.querySelector("use");
  const before = use.getAttribute("href");
  use.setAttribute("href", before.replace(/#.*/, "#check"));
  setTimeout(() => use.setAttribute("href", before), 1500);
}

// a form is sent once, however often one clicks; a download is fetched, so that its dialog can show a refusal
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.download !== undefined) {
    event.preventDefault();
    download(form, event.submitter);
  } else if (form.method === "post") {
    const typed = form.dataset.typed !== undefined;
    if (form.dataset.sent || typed) event.preventDefault();
    if (typed && !form.dataset.sent) sendIfSignedIn(form);
    form.dataset.sent = "1";
  }
});

/** What took time to type is not thrown away by a redirect to the sign-in page. */
async function sendIfSignedIn(form) {
  if (await stillSignedIn()) form.submit();
  else delete form.dataset.sent;
}

addEventListener("pageshow", () =>
  document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent),
);

async function download(form, submitter) {
  const body = new FormData(form, submitter); // before: a disabled button is not sent
  submitter.disabled = true;
  try {
    const response = await fetch(form.action, {
      method: "POST",
      body,
      headers: { "HX-Request": "true" },
    });
    const place = form.querySelector("[data-errors]");
    if (response.headers.has("X-Step-Up")) again(() => form.requestSubmit(submitter));
    else if (response.status === 401) await stillSignedIn();
    else if (!response.ok) morph(await response.text());
    else {
      place.replaceChildren();
      const disposition = response.headers.get("Content-Disposition");
      if (disposition) {
        save(await response.blob(), disposition);
        form.closest("dialog")?.close();
      } else morph(await response.text()); // shown in the dialog, once
      refresh();
    }
  } finally {
    submitter.disabled = false;
  }
}

function save(blob, disposition) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = /filename="([^"]+)"/.exec(disposition)?.[1] ?? "kubeconfig.yaml";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

// the palette: Ctrl or ⌘ with K, arrows among the results
const palette = document.getElementById("palette");
document.addEventListener("keydown", (event) => {
  if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && palette) {
    event.preventDefault();
    palette.open ? palette.close() : palette.showModal();
  } else if (palette?.open && ["ArrowDown", "ArrowUp"].includes(event.key)) {
    event.preventDefault();
    move(event.key === "ArrowDown" ? 1 : -1);
  } else if (palette?.open && event.key === "Enter" && event.target.matches("input")) {
    event.preventDefault();
    palette.querySelector(".results a")?.click();
  }
});

function move(by) {
  const stops = [palette.querySelector("input"), ...palette.querySelectorAll(".results a")];
  const now = stops.indexOf(document.activeElement);
  stops[(now + by + stops.length) % stops.length].focus();
}

// filters that take effect when chosen
document.addEventListener("change", (event) => {
  if (event.target.matches("select[data-submit]")) event.target.form.requestSubmit();
});

// a refused request whose answer is a fragment goes where the form says; one without words is said by the browser's own
document.addEventListener("portal:signed-in", () =>
  document.querySelectorAll("live-task[data-state=denied]").forEach((task) => task.again()),
);
document.addEventListener("htmx:afterSettle", tick);
document.addEventListener("portal:changed", tick);
