// The inbox by keyboard, and several requests at once.

const list = () => document.getElementById("requests");
const links = () => [...list().querySelectorAll("li > a")];
const ticked = () => [...list().querySelectorAll("input:checked")];
const picked = document.getElementById("picked");
const bulk = document.getElementById("bulk");

function here() {
  const at = links().indexOf(document.activeElement?.closest("li")?.querySelector("a"));
  return at < 0 ? links().findIndex((link) => link.ariaCurrent) : at;
}

function move(by) {
  const all = links();
  const at = all.indexOf(document.activeElement);
  const next = at < 0 && here() >= 0 && !by ? here() : here() + by;
  all[Math.max(0, Math.min(all.length - 1, next))]?.focus();
}

function select() {
  const box = links()[here()]?.parentElement.querySelector("input");
  if (box) box.click();
}

/** Say first what several decisions would come to. */
function decide(decision) {
  if (ticked().length) return summary(decision);
  const target = decision === "approve" ? "#decide [data-key=a]" : "#comment";
  document.querySelector(target)?.focus();
}

function summary(decision) {
  const body = document.getElementById("bulk-body");
  const url = new URL(body.dataset.src, location.href);
  url.searchParams.set("decision", decision);
  for (const box of ticked()) url.searchParams.append("id", box.value);
  bulk.showModal();
  htmx.ajax("GET", url.pathname + url.search, { target: body, swap: "innerHTML" });
}

function count() {
  if (!picked) return;
  const number = ticked().length;
  picked.hidden = !number;
  picked.querySelector("[data-picked]").textContent = number;
}

const KEYS = {
  j: () => move(1),
  k: () => move(-1),
  x: select,
  a: () => decide("approve"),
  r: () => decide("reject"),
  "?": () => document.getElementById("keys").showModal(),
};

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input:not([type=checkbox]), textarea, select, dialog[open]");
  if (typing || event.ctrlKey || event.metaKey || event.altKey || !KEYS[event.key]) return;
  event.preventDefault();
  KEYS[event.key]();
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-bulk]");
  if (!button) return;
  if (button.dataset.bulk) return summary(button.dataset.bulk);
  for (const box of ticked()) box.checked = false;
  count();
});

document.addEventListener("change", count);
document.addEventListener("portal:changed", count);
