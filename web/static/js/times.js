// Times in the words and the zone of whoever reads; countdowns that count.

import { freshen } from "./fresh.js";
import { absolute, ago, clockTime, countdown } from "./words.js";

function say() {
  for (const each of document.querySelectorAll("time[datetime]")) {
    const when = new Date(each.dateTime);
    if (Number.isNaN(when.getTime())) continue;
    if (each.title) each.title = absolute(when);
    if (each.hasAttribute("data-ago")) each.textContent = ago(when);
    else if (each.closest(".t-time")) each.textContent = clockTime(when);
    else if (each.closest(".hours, .numbers")) each.textContent = columnTime(each.textContent, when);
  }
}

// A label of the chart keeps its form ("14:00", "Mon 06:00", "23 Nov") and gets this zone's time.
function columnTime(label, when) {
  if (/^\d+ \w+$/.test(label)) return label;
  const time = when.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  return /^\d/.test(label) ? time : `${when.toLocaleDateString("en-GB", { weekday: "short" })} ${time}`;
}

function count() {
  let over = false;
  for (const each of document.querySelectorAll("[data-ends]")) {
    const left = (Date.parse(each.dataset.ends) - Date.now()) / 1000;
    if (!each.hasAttribute("data-until")) each.textContent = countdown(left);
    if (left < -0.3 && !each.dataset.over) {
      each.dataset.over = "yes";
      over = true;
    }
  }
  if (over) freshen(document.getElementById("rows") ? "/strip" : undefined);
}

say();
count();
setInterval(count, 1000);
setInterval(say, 15000);
document.addEventListener("telltale:fresh", () => { say(); count(); });
