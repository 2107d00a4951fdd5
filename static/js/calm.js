// A form of which answers replace parts while somebody fills it in.

// What somebody is typing into, or has typed since the preview was asked for, is not replaced by its answer: leaving the
// field asks again, and that answer knows it
document.addEventListener("input", ({ target }) => {
  const calm = target.closest("[data-calm]");
  if (calm) calm.dataset.calm = "typed";
});
document.addEventListener("htmx:beforeSend", ({ target }) => {
  if (target.id === "preview") for (const calm of document.querySelectorAll("[data-calm]")) calm.dataset.calm = "";
});
document.addEventListener("htmx:oobBeforeSwap", (event) => {
  const { target } = event.detail;
  const { calm } = target.dataset;
  const typing = calm === "typed" || (calm !== undefined && target.contains(document.activeElement));
  if (typing || target.matches(":active")) event.detail.shouldSwap = false; // a button that is being pressed stays too
});
