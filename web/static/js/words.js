// How things are said; the same sentences as present.py, whose tests hold both together.

const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]/gu;
const UNITS = [[86400, "day"], [3600, "hour"], [60, "minute"], [1, "second"]];
const REASONS = {
  "paused": "filtering is paused",
  "device rule": "your rule for this device",
  "rule": "your rule",
  "keep-list": "the television needs it",
  "needed": "an app in use needs it",
  "allow list": "on an allow list",
  "preset": "your preset",
  "block list": "on a block list",
  "rebinding": "the answer pointed into your own network",
  "local name": "answered in your own network",
  "no rule": "no rule or list names it",
};
export const NEEDS = {
  "required": "The television needs this to work.",
  "degrades": "Something stops working without this.",
  "not needed": "The television works without this.",
  "disputed": "People disagree whether the television needs this.",
  "unknown": "Nobody has written down what stops without this.",
};
let categories = {};

export const teachCategories = (words) => { categories = words; };
export const plain = (text) => String(text ?? "").replace(UNSEEN, "\ufffd");
export const categoryWords = (category) => categories[category || "unknown"] ?? plain(category);
export const slug = (text) => (text || "unknown").toLowerCase().replace(/[^a-z]+/g, "-").replace(/^-|-$/g, "") || "unknown";
export const number = (count) => Math.max(0, Math.trunc(count)).toLocaleString("en-US");
export const counted = (count, one, many = one + "s") => `${number(count)} ${count === 1 ? one : many}`;

function duration(seconds) {
  const left = Math.max(0, Math.round(seconds));
  for (const [size, unit] of UNITS) {
    if (left >= size) return counted(Math.floor(left / size), unit);
  }
  return "0 seconds";
}

export function countdown(seconds) {
  const left = Math.max(0, Math.floor(seconds));
  if (left >= 172800) return duration(left);
  const two = (value) => String(value).padStart(2, "0");
  const hours = Math.floor(left / 3600);
  const rest = left % 3600;
  return hours ? `${hours}:${two(Math.floor(rest / 60))}:${two(rest % 60)}` : `${Math.floor(rest / 60)}:${two(rest % 60)}`;
}

export function ago(when, now = Date.now()) {
  const seconds = (now - when.getTime()) / 1000;
  if (seconds > -60 && seconds < 10) return "just now";
  if (seconds < 0 || seconds >= 14 * 86400) return when.toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" });
  if (seconds >= 86400 && seconds < 2 * 86400) return "yesterday";
  return duration(seconds) + " ago";
}

export const absolute = (when) => when.toLocaleString("en-GB", { weekday: "long", day: "numeric", month: "long", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit" });
export const clockTime = (when) => when.toLocaleTimeString("en-GB");

function subject(category, company) {
  const known = category && category !== "unknown";
  if (known && company) return `${categoryWords(category)} (${plain(company)})`;
  return known ? categoryWords(category) : plain(company);
}

export function because(reason, lists = [], matched = null) {
  if ((reason === "block list" || reason === "allow list") && lists.length) {
    const others = lists.length - 1;
    return `on the list ${plain(lists[0])}` + (others ? ` and ${counted(others, "other")}` : "");
  }
  const words = REASONS[reason] ?? plain(reason);
  if (reason === "preset" && matched) return `${words} ${presetWords(matched)}`;
  if (reason === "needed" && matched) return `left open for ${plain(matched)}`;
  return (reason === "rule" || reason === "device rule") && matched ? `${words}, “${plain(matched)}”` : words;
}

export const presetWords = (preset) => plain(preset).slice(0, 1).toUpperCase() + plain(preset).slice(1).toLowerCase();

export function outcome(lookup) {
  if (lookup.verdict === "block" && lookup.reason === "preset" && lookup.matched) {
    const about = [categoryWords(lookup.category), plain(lookup.company)].filter(Boolean).join(", ");
    return `Blocked: ${presetWords(lookup.matched)} (${about})`;
  }
  if (lookup.verdict === "block") return "Blocked: " + (subject(lookup.category, lookup.company) || because(lookup.reason, lookup.lists));
  return lookup.reason === "no rule" ? "Allowed" : "Allowed: " + because(lookup.reason);
}

export function target(rule) {
  if (rule.service) return `${plain(rule.service)}, all of it`;
  if (rule.trackers) return `the trackers of ${plain(rule.trackers)}`;
  if (rule.company) return `the company ${plain(rule.company)}`;
  if (rule.category) return categoryWords(rule.category);
  if (rule.preset) return rule.preset === "off" ? "no preset" : `the preset ${presetWords(rule.preset)}`;
  if (rule.name) return plain(rule.name) + (rule.subtree ? " and everything below it" : "");
  return "everything";
}

export const namePath = (name) => "/names/" + encodeURIComponent(name.toWellFormed ? name.toWellFormed() : name);
export const companyPath = (company) => "/companies/" + encodeURIComponent(company);
export const devicePath = (device) => "/devices/" + encodeURIComponent(device);

// A source in pieces: text, and the address to link to where the piece is one.
export function cite(source) {
  const pieces = [];
  let end = 0;
  for (const found of source.matchAll(/https?:\/\/[^\s,;<>"']+/g)) {
    if (!webAddress(found[0])) continue;
    pieces.push([plain(source.slice(end, found.index)), null], [found[0], found[0]]);
    end = found.index + found[0].length;
  }
  pieces.push([plain(source.slice(end)), null]);
  return pieces.filter(([text]) => text);
}

// A link may only lead to where a person expects a link to lead.
function webAddress(text) {
  if (!text || text.length > 2048 || text.search(UNSEEN) >= 0 || /[\s"'<>\\]/.test(text)) return null;
  return /^https?:\/\/[^/?#]/i.test(text) ? text : null;
}
