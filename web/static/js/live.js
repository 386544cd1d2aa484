// The live page: the feed, what holds it back, the keyboard.

import { whenDecided } from "./decide.js";
import { Feed } from "./feed.js";
import { freshen } from "./fresh.js";
import { adopt, all, follow, lookupOf, prepend } from "./rows.js";
import { unfold } from "./why.js";
import { counted, number, teachCategories } from "./words.js";

const MOST_WAITING = 500;
const STATES = { live: "Live", away: "Reconnecting …", polling: "Asking every 3 seconds", asleep: "Resting" };

const log = document.getElementById("log");
const rows = document.getElementById("rows");
const newer = document.getElementById("newer");
const hold = document.getElementById("hold");
const pulse = document.getElementById("pulse");
const none = document.getElementById("none");
const tracking = new Set(JSON.parse(log.dataset.tracking));
const wanted = Object.fromEntries(new URLSearchParams(location.search));
let waiting = [];
let count = 0;
let held = false;
let pointing = false;
let state = "away";
let leftOut = 0;

teachCategories(JSON.parse(log.dataset.categories));
adopt(rows);

const isScrolled = () => log.getBoundingClientRect().top < -40;
const isHeld = () => held || pointing || isScrolled() || rows.querySelector(":focus-visible, tr.why") !== null;

function settle() {
  if (waiting.length && !isHeld()) show();
  newer.hidden = count === 0;
  newer.textContent = counted(count, "new lookup");
  pulse.classList.toggle("on", state === "live" && !held);
  pulse.classList.toggle("off", state === "away" || held);
  const words = held ? "Held" : STATES[state];
  const line = leftOut && !held ? `${words} (${number(leftOut)} too fast to show)` : words;
  const said = pulse.querySelector("[data-say]");
  if (said.textContent !== line) said.textContent = line;
}

function show() {
  prepend(waiting);
  waiting = [];
  count = 0;
  none.hidden = rows.children.length > 0;
}

function arrive(lookups, missing) {
  leftOut += missing;
  const fitting = wanted.category === "trackers" ? lookups.filter((lookup) => tracking.has(lookup.category)) : lookups;
  waiting = waiting.concat(fitting).slice(-MOST_WAITING);
  count += fitting.length;
  settle();
}

function toggle(row) {
  const open = row.nextElementSibling?.matches(".why") ? row.nextElementSibling : null;
  row.querySelector(".unfold").setAttribute("aria-expanded", String(!open));
  row.classList.toggle("open", !open);
  if (open) open.remove();
  else unfold(row, lookupOf(row));
  settle();
}

function step(by) {
  const shown = all();
  const at = shown.indexOf(document.activeElement?.closest?.("tr.row"));
  const next = shown[Math.min(shown.length - 1, Math.max(0, at + by))];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

rows.addEventListener("click", (event) => {
  const row = event.target.closest("tr.row");
  if (!row || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const unfolder = event.target.closest(".unfold");
  if (unfolder) event.preventDefault();
  else if (event.target.closest("a, button") || getSelection().toString()) return;
  toggle(row);
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, dialog")) return;
  const row = event.target.closest("tr.row");
  if (event.key === "j") step(1);
  else if (event.key === "k") step(-1);
  else if (event.key === "b" && row) row.querySelector("[data-act]").click();
  else if (event.key === "Enter" && event.target === row) toggle(row);
  else if (event.key === " " && event.target.matches(".unfold")) toggle(row);
  else if (event.key === "Escape" && rows.contains(document.activeElement)) document.activeElement.blur();
  else return;
  event.preventDefault();
});

hold.addEventListener("click", () => {
  held = !held;
  hold.setAttribute("aria-pressed", String(held));
  hold.querySelector("span").textContent = held ? "Go on" : "Hold";
  hold.querySelector("use").setAttribute("href", held ? "#i-play" : "#i-pause");
  settle();
});

newer.addEventListener("click", () => {
  for (const row of rows.querySelectorAll("tr.row.open")) toggle(row);
  show();
  scrollTo({ top: 0 });
  settle();
});

// Rows must not move away from under the pointer while it is about to press a button.
rows.addEventListener("pointerover", (event) => {
  pointing = event.pointerType === "mouse" && event.target.closest(".t-act") !== null;
  settle();
});
rows.addEventListener("pointerleave", () => { pointing = false; settle(); });
rows.addEventListener("focusout", () => setTimeout(settle));
document.addEventListener("scroll", settle, { passive: true });

document.getElementById("filters").addEventListener("change", (event) => {
  if (event.target.matches("select")) event.target.form.requestSubmit();
});
document.getElementById("filters").addEventListener("submit", (event) => {
  for (const field of event.target.elements) field.disabled = field.name !== "" && field.value === "";
});
addEventListener("pageshow", () => {
  for (const field of document.getElementById("filters").elements) field.disabled = false;
});

whenDecided(({ rule, removed }) => { if (rule) follow(rule, removed); });

if (log.dataset.live === "yes") {
  const filters = { ...wanted };
  if (filters.category === "trackers") delete filters.category;
  const known = all().map((row) => lookupOf(row).id);
  new Feed(filters, Math.max(0, ...known), {
    onLookups: arrive,
    onPolicy: ({ rule, removed }) => {
      if (rule) follow(rule, removed);
      freshen("/strip");
    },
    onHealth: () => freshen("/strip"),
    onState: (word) => { state = word; settle(); },
  }).open();
} else {
  pulse.hidden = true;
  hold.hidden = true;
}
settle();
