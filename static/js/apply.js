// Bring server-rendered fragments into the page; nothing else here writes HTML.

const policy = globalThis.trustedTypes?.createPolicy("portal-fragment", { createHTML: (html) => html });

function parse(html) {
  const template = document.createElement("template");
  template.innerHTML = policy ? policy.createHTML(html) : html;
  return template.content;
}

/** Replace each element by the one with its id; one with data-into is appended to the element of that id. */
export function apply(html) {
  for (const fresh of [...parse(html).children]) {
    const old = document.getElementById(fresh.id);
    if (old) old.replaceWith(fresh);
    else if (fresh.dataset.into) document.getElementById(fresh.dataset.into)?.append(fresh);
  }
}

/** Morph elements in place by id: ticks, focus, typed text and open dialogs survive, a live task keeps its line. */
export function morph(html) {
  const seen = new Set();
  // rows come inside a bare table, because a parser drops them outside of one
  const parts = [...parse(html).children].flatMap((part) =>
    part.localName === "table" && !part.id ? [...part.rows] : part,
  );
  for (const fresh of parts) {
    const old = document.getElementById(fresh.id);
    seen.add(fresh.id);
    if (old) Idiomorph.morph(old, fresh, { morphStyle: "outerHTML", ignoreActiveValue: true, callbacks });
  }
  return seen;
}

const callbacks = {
  beforeNodeMorphed(old, fresh) {
    if (!(old instanceof Element) || !(fresh instanceof Element)) return true;
    const states = [old.dataset.state, fresh.dataset.state]; // what was read before a task's end is no longer true
    const live = old.localName === "live-task" && old.id === fresh.id && states.some((state) => state !== "done");
    return !live && !old.hasAttribute("data-keep");
  },
  beforeAttributeUpdated(name, element) {
    return name !== "checked" && !(name === "open" && ["details", "dialog"].includes(element.localName));
  },
};
