// What is sensitive: a form that says so asks before it is sent; htmx and downloads ask when they are told to.

/** Have the person prove who they are, where that was too long ago, and then do it. */
export async function again(act) {
  const { proven } = await import("./stepup.js");
  if (await proven()) act();
}

document.addEventListener(
  "submit",
  (event) => {
    const { target: form, submitter } = event;
    if (form.dataset.stepUp === undefined || form.dataset.proved) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    again(() => {
      form.dataset.proved = "1";
      form.requestSubmit(submitter);
      delete form.dataset.proved;
    });
  },
  { capture: true },
);

document.addEventListener("htmx:afterRequest", ({ detail: { xhr, elt, requestConfig } }) => {
  if (!xhr.getResponseHeader("X-Step-Up")) return;
  const event = requestConfig.triggeringEvent;
  again(() =>
    elt.requestSubmit ? elt.requestSubmit(event?.submitter) : globalThis.htmx.trigger(elt, event?.type ?? "click"),
  );
});
