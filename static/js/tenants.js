// The tenant switcher: filter while typing, arrows among what is left, the tenants that one used last come first.

const RECENT = "pks-recent-tenants";
const MOST = 5;
const menu = document.getElementById("tenants");

if (menu) {
  const field = menu.querySelector("input");
  const all = [...menu.querySelectorAll("a[data-slug]")];
  const used = recent();
  const last = used.map((slug) => all.find((link) => link.dataset.slug === slug)).filter(Boolean);
  if (all.length > MOST && last.length) all[0].before(...last);

  const filter = () => {
    const words = field.value.trim().toLowerCase();
    for (const link of all) link.hidden = !`${link.textContent} ${link.dataset.slug}`.toLowerCase().includes(words);
    menu.querySelector("[data-none]").hidden = all.some((link) => !link.hidden);
  };
  field.addEventListener("input", filter);
  filter(); // what was typed before this script was here
  menu.addEventListener("keydown", (event) => {
    const stops = [field, ...menu.querySelectorAll("a:not([hidden])")];
    if (event.key === "Enter" && event.target === field) {
      event.preventDefault();
      stops.find((stop) => stop.dataset.slug)?.click();
    }
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    stops[(stops.indexOf(document.activeElement) + by + stops.length) % stops.length].focus();
  });

  menu.addEventListener("click", (event) => {
    const chosen = event.target.closest("a[data-slug]")?.dataset.slug;
    if (!chosen) return;
    const next = [chosen, ...used.filter((slug) => slug !== chosen)].slice(0, MOST);
    try {
      localStorage.setItem(RECENT, JSON.stringify(next));
    } catch {
      // no storage, no memory: the list stays in its order
    }
  });
}

function recent() {
  try {
    const slugs = JSON.parse(localStorage.getItem(RECENT) ?? "[]");
    return Array.isArray(slugs) ? slugs : [];
  } catch {
    return [];
  }
}
