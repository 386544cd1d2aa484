// What unfolds below a row: who, why, how we know, and what can be done about it.

import { ask, query } from "./ask.js";
import { NEEDS, because, categoryWords, cite, companyPath, devicePath, namePath, outcome, plain } from "./words.js";

const template = document.getElementById("why-template");
const SOURCES = {
  upstream: "asked on the internet",
  cache: "from memory",
  stale: "from memory, because the internet did not answer",
  local: "answered here",
  policy: "answered here, because of a rule or list",
  error: "no answer",
};

export function unfold(row, lookup) {
  const why = template.content.querySelector("tr").cloneNode(true);
  const say = (part) => why.querySelector(`[data-say="${part}"]`);
  const blocked = lookup.verdict === "block";
  why.querySelector(".verdict").classList.add(blocked ? "stopped" : "going");
  say("icon").setAttribute("href", blocked ? "#i-block" : "#i-allow");
  const reason = because(lookup.reason, lookup.lists, lookup.matched);
  const said = outcome(lookup);
  say("sentence").textContent = said.includes(reason) ? `${said}.` : `${said}: ${reason}.`.replace(/^(Blocked: .*): /, "$1, ");
  showFacts(say("facts"), lookup);
  go(why, "name", namePath(lookup.name));
  go(why, "company", lookup.company ? companyPath(lookup.company) : null);
  go(why, "device", lookup.device ? devicePath(lookup.device) : null);
  offer(why.querySelector("form"), lookup);
  row.after(why);
  explain(why, lookup);
  return why;
}

function showFacts(list, lookup) {
  const byList = lookup.lists.length > 0 && lookup.reason.endsWith(" list");
  if (byList) fact(list, "The list says", lookup.matched);
  if (lookup.lists.length > (byList ? 1 : 0)) fact(list, "All lists that name it", lookup.lists.map(plain).join(", "));
  const path = [lookup.name, ...lookup.targets];
  if (lookup.via && !path.includes(lookup.via)) path.push(lookup.via);
  if (path.length > 1) {
    const steps = document.createElement("ol");
    steps.className = "path";
    steps.append(...path.map((name) => {
      const step = document.createElement("li");
      const text = document.createElement(name === lookup.via ? "b" : "span");
      text.className = "name";
      text.textContent = plain(name);
      step.append(text);
      return step;
    }));
    fact(list, lookup.via ? "Leads to (bold decided)" : "Leads to", steps);
  }
  fact(list, "Answer", `${plain(lookup.type)} ${plain(lookup.rcode)}, ${SOURCES[lookup.source] ?? plain(lookup.source)}, ${lookup.latency_ms < 1 ? "under 1" : Math.round(lookup.latency_ms)} ms`);
}

function fact(list, term, value) {
  if (!value) return;
  const line = document.createElement("div");
  const dt = document.createElement("dt");
  const dd = document.createElement("dd");
  dt.textContent = term;
  if (value instanceof Node) {
    dd.append(value);
  } else {
    const text = document.createElement("bdi");
    text.textContent = plain(value);
    dd.append(text);
  }
  line.append(dt, dd);
  list.append(line);
}

function go(why, where, path) {
  const anchor = why.querySelector(`[data-go="${where}"]`);
  if (path) anchor.href = path;
  else anchor.remove();
}

function offer(form, lookup) {
  form.dataset.name = lookup.name;
  form.dataset.company = lookup.company ?? "";
  form.dataset.category = lookup.category;
  form.dataset.device = lookup.device;
  const { what, whom } = form.elements;
  const option = (value) => [...what.options].find((each) => each.value === value);
  if (lookup.company) option("company").textContent = `the company ${plain(lookup.company)}`;
  else option("company").remove();
  if (lookup.category && lookup.category !== "unknown") option("category").textContent = `all ${categoryWords(lookup.category)}`;
  else option("category").remove();
  if (lookup.device) whom.options[1].textContent = `only ${plain(lookup.device_name || lookup.device)}`;
  else whom.options[1].remove();
}

async function explain(why, lookup) {
  if (!lookup.name) return;
  let said;
  try {
    said = await ask("GET", "/api/v1/explain?" + query({ name: lookup.name, device: lookup.device }));
  } catch (error) {
    fact(why.querySelector('[data-say="facts"]'), "More", error.message);
    return;
  }
  const facts = why.querySelector('[data-say="facts"]');
  fact(facts, "If it is blocked", [NEEDS[said.need], plain(said.symptom)].filter(Boolean).join(" "));
  if (said.hosted_at) fact(facts, "Runs at", said.hosted_at);
  if (said.verdict !== lookup.verdict) fact(facts, "Now", said.sentence);
  const evidence = why.querySelector('[data-say="evidence"]');
  evidence.append(...(said.evidence ?? []).map(witness));
  why.querySelector(".how-we-know").hidden = !evidence.children.length;
}

function witness({ says, source, date }) {
  const item = document.createElement("li");
  const text = document.createElement("bdi");
  text.textContent = plain(says);
  const from = document.createElement("span");
  from.className = "source";
  const origin = document.createElement("bdi");
  origin.append(...cite(String(source ?? "")).map(([words, address]) => {
    if (!address) return words;
    const link = document.createElement("a");
    link.href = address;
    link.rel = "noreferrer noopener external";
    link.textContent = words;
    return link;
  }));
  from.append(origin, date ? `, ${plain(date)}` : "");
  item.append(text, " ", from);
  return item;
}
