// Times that stay true while the page is open: "5 min ago", a running step's duration, the local time on hover.

const words = JSON.parse(document.getElementById("words")?.textContent ?? "null");
const UNITS = [
  [60, 1, "s"],
  [3600, 60, "m"],
  [86400, 3600, "h"],
  [86400 * 30, 86400, "d"],
];

function said(seconds, ahead) {
  const size = Math.abs(seconds);
  if (size < 5) return words.now;
  for (const [limit, divisor, unit] of UNITS) {
    const count = ahead ? Math.round(size / divisor) : Math.floor(size / divisor); // 8 hours are not 7 a second later
    if (count * divisor < limit) return words[ahead ? "ahead" : "ago"][unit].replace("%s", count);
  }
}

function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const parts = [Math.floor(whole / 60) % 60, whole % 60];
  if (whole >= 3600) parts.unshift(Math.floor(whole / 3600));
  return parts.map((part) => String(part).padStart(2, "0")).join(":");
}

const exact = new Intl.DateTimeFormat(document.documentElement.lang || undefined, {
  dateStyle: "medium",
  timeStyle: "long",
});

/** Bring every <time data-ago> and <time data-since> up to now. */
export function tick() {
  if (!words) return;
  for (const time of document.querySelectorAll("time[data-ago], time[data-since]")) {
    const then = new Date(time.dateTime);
    const seconds = (Date.now() - then) / 1000;
    const text = time.dataset.since === undefined ? said(seconds, seconds < 0) : clock(seconds);
    if (text && text !== time.textContent) time.textContent = text;
    if (time.dataset.exact === undefined) {
      time.title = exact.format(then);
      time.dataset.exact = "";
    }
  }
}

setInterval(() => document.hidden || tick(), 1000);
tick();
