// The rows of the live log: filled copies of the server's own row, at most 500, the same lookup in a row only once.

import { absolute, categoryWords, clockTime, companyPath, devicePath, number, outcome, plain, namePath, slug, target } from "./words.js";

const MOST = 500;
const known = new WeakMap();
const template = document.getElementById("row-template");
let body = null;

export function adopt(rows) {
  body = rows;
  for (const row of rows.querySelectorAll("tr.row")) {
    const lookup = JSON.parse(row.dataset.lookup);
    known.set(row, { lookup, types: JSON.parse(row.dataset.types) });
    row.removeAttribute("data-lookup");
    row.removeAttribute("data-types");
    expandable(row);
  }
}

export const all = () => [...body.querySelectorAll("tr.row")];
export const lookupOf = (row) => known.get(row).lookup;

const sameness = (lookup) => JSON.stringify([lookup.device, lookup.name, lookup.verdict, lookup.reason]);

// Puts lookups on top, oldest first, and drops what is too much at the end. Asking for both kinds of address (A and
// AAAA) is asking once, so a row counts the type that was asked for most.
export function prepend(lookups) {
  for (const lookup of lookups) {
    const top = body.querySelector("tr.row");
    if (top && sameness(lookupOf(top)) === sameness(lookup)) {
      const entry = known.get(top);
      entry.types[lookup.type] = (entry.types[lookup.type] ?? 0) + lookup.times;
      entry.lookup = lookup;
      tellTime(top, lookup);
      tellTimes(top, Math.max(...Object.values(entry.types)));
    } else {
      const row = template.content.querySelector("tr").cloneNode(true);
      row.removeAttribute("data-lookup");
      row.removeAttribute("data-types");
      known.set(row, { lookup, types: { [lookup.type]: lookup.times } });
      fill(row, lookup);
      row.classList.add("fresh");
      body.prepend(row);
    }
  }
  for (const row of all().slice(MOST)) {
    if (row.nextElementSibling?.matches(".why")) row.nextElementSibling.remove();
    row.remove();
  }
}

function expandable(row) {
  const unfold = row.querySelector(".unfold");
  unfold.setAttribute("role", "button");
  unfold.setAttribute("aria-expanded", "false");
}

function tellTime(row, lookup) {
  const time = row.querySelector("time");
  const when = new Date(lookup.time);
  time.dateTime = lookup.time;
  time.title = absolute(when);
  time.textContent = clockTime(when);
}

function tellTimes(row, count) {
  const times = row.querySelector(".times");
  times.textContent = "×" + number(count);
  times.hidden = count < 2;
}

function fill(row, lookup) {
  const blocked = lookup.verdict === "block";
  row.className = "row " + (blocked ? "stopped" : "going");
  row.dataset.id = lookup.id;
  tellTime(row, lookup);
  tellTimes(row, lookup.times);
  link(row.querySelector("a.device"), devicePath(lookup.device), lookup.device_name || lookup.device);
  link(row.querySelector("a.name"), namePath(lookup.name), lookup.name || ".");
  if (lookup.company) {
    const company = document.createElement("a");
    company.className = "company";
    company.append(document.createElement("bdi"));
    link(company, companyPath(lookup.company), lookup.company);
    row.querySelector(".company").replaceWith(company);
  }
  const chip = row.querySelector(".chip");
  chip.className = "chip c-" + slug(lookup.category);
  chip.lastChild.textContent = categoryWords(lookup.category);
  const unfold = row.querySelector(".unfold");
  unfold.href = namePath(lookup.name);
  unfold.querySelector("use").setAttribute("href", blocked ? "#i-block" : "#i-allow");
  unfold.querySelector(".says").textContent = outcome(lookup);
  expandable(row);
  offer(row, lookup);
}

function link(anchor, path, text) {
  anchor.href = path;
  anchor.querySelector("bdi").textContent = plain(text);
}

// The row's one button: stop what was allowed, allow what was stopped.
function offer(row, lookup) {
  const action = lookup.verdict === "block" ? "allow" : "block";
  const forDevice = lookup.reason === "device rule";
  const whom = forDevice ? lookup.device_name || lookup.device : "everyone";
  dress(row, action, action === "block" ? "Block" : "Allow", `${action === "block" ? "Block" : "Allow"} ${plain(lookup.name)} for ${plain(whom)}`);
  const button = row.querySelector("[data-act]");
  button.dataset.name = lookup.name;
  if (forDevice) button.dataset.device = lookup.device;
  else delete button.dataset.device;
  delete button.dataset.rule;
}

function dress(row, action, words, label) {
  const button = row.querySelector("[data-act]");
  button.dataset.act = action;
  button.className = `button ${action === "remove" ? "" : action} scripted`;
  button.setAttribute("aria-label", label);
  button.querySelector("use").setAttribute("href", action === "remove" ? "#i-refresh" : "#i-" + action);
  button.querySelector("span").textContent = words;
}

function speaksOf(rule, lookup) {
  if (rule.device && rule.device !== lookup.device) return false;
  if (rule.company) return rule.company === lookup.company;
  if (rule.category) return rule.category === lookup.category;
  if (rule.name) return rule.name === lookup.name || (rule.subtree && lookup.name.endsWith("." + rule.name));
  return false;
}

// What was decided since shows on the rows it speaks of: what happened stays, what happens next is said.
export function follow(rule, removed) {
  for (const row of all()) {
    const lookup = lookupOf(row);
    if (!speaksOf(rule, lookup)) continue;
    const since = row.querySelector(".since");
    since.hidden = removed;
    if (removed) {
      since.textContent = "";
      offer(row, lookup);
    } else {
      since.textContent = rule.action === "block" ? "Blocked by you from now on" : "Allowed by you from now on";
      const words = rule.action === "block" ? "Unblock" : "Stop allowing";
      dress(row, "remove", words, `${words}: ${target(rule)}`);
      row.querySelector("[data-act]").dataset.rule = JSON.stringify(rule);
    }
  }
}
