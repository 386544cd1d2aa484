// One click: ask what it would cost, make the rule, say so, offer the way back.

import { ask, query } from "./ask.js";
import { alarm, tell } from "./toast.js";
import { plain, presetWords, target } from "./words.js";

const CHANGED = "telltale:decided";
const labels = new Map();

function labelOf(device) {
  if (!device) return "everyone";
  if (labels.size === 0) {
    for (const option of document.querySelectorAll('select[name="device"] option, select[name="whom"] option')) {
      if (option.value) labels.set(option.value, option.textContent.trim());
    }
  }
  return labels.get(device) ?? "this device";
}

export function decided(detail) {
  document.dispatchEvent(new CustomEvent(CHANGED, { detail }));
}

export function whenDecided(listener) {
  document.addEventListener(CHANGED, (event) => listener(event.detail));
}

// Marks the button as busy for as long as `work` takes; a refusal becomes a sentence.
export async function during(button, work) {
  if (button?.getAttribute("aria-busy") === "true") return;
  button?.setAttribute("aria-busy", "true");
  try {
    await work();
  } catch (error) {
    alarm(error.message);
  } finally {
    button?.removeAttribute("aria-busy");
  }
}

// What a person may answer: "cancel", "trackers", "go".
function confirmLoss(wish, { required, services, trackers }) {
  const dialog = document.getElementById("confirm");
  const say = (part) => dialog.querySelector(`[data-say="${part}"]`);
  const whole = services.length > 0;
  say("title").textContent = whole ? `Block all of ${plain(wish.service ?? wish.company)}?` : "A television needs this";
  say("line").textContent = whole
    ? "If all of it is blocked, this stops:"
    : wish.name && !wish.subtree
      ? "If you block it, this is what you may see:"
      : `Blocking ${target(wish)} also stops what a television needs:`;
  say("go").textContent = whole ? (wish.service ? "The whole service" : "The whole company") : "Block it anyway";
  dialog.querySelector('[value="cancel"]').textContent = whole ? "Block nothing" : "Keep it working";
  dialog.querySelector('[value="trackers"]').hidden = !(whole && trackers);
  const losses = whole ? services.map(({ stops }) => [null, stops]) : required.map(({ name, symptom }) => [name, symptom]);
  say("names").replaceChildren(...losses.map(([name, symptom]) => {
    const item = document.createElement("li");
    if (name) {
      const code = document.createElement("bdi");
      code.className = "name";
      code.textContent = plain(name);
      item.append(code, ": ");
    }
    item.append(plain(symptom) || "the television may stop working.");
    return item;
  }));
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue || "cancel"), { once: true });
  });
}

function secondsLeft(rule) {
  return rule.ends ? Math.max(1, Math.round((Date.parse(rule.ends) - Date.now()) / 1000)) : null;
}

function bodyOf(rule) {
  const { action, device, comment } = rule;
  const kind = ["everything", "preset", "service", "trackers", "company", "category"].find((each) => rule[each]);
  const scope = kind ? { [kind]: rule[kind] } : { name: rule.name, subtree: Boolean(rule.subtree) };
  const body = { action, ...scope, device: device ?? null, seconds: rule.ends ? secondsLeft(rule) : rule.seconds ?? null };
  if (comment) body.comment = comment;
  return body;
}

export async function makeRule(wish) {
  const consequences = await ask("GET", "/consequences?" + query(wish));
  const costs = wish.action === "block" && (consequences.required.length || consequences.services.length);
  const answer = costs ? await confirmLoss(wish, consequences) : "go";
  if (answer === "cancel") return;
  if (answer === "trackers") {
    const { service, company, ...others } = wish;
    await makeRule({ ...others, trackers: service ?? company });
    return;
  }
  const rule = await ask("POST", "/api/v1/rules", bodyOf(wish));
  decided({ rule, removed: false });
  const verb = rule.action === "block" ? "Blocked" : "Allowed";
  const lost = consequences.services.map(({ stops }) => " " + plain(stops)).join("");
  const spared = rule.action === "block" && !rule.name ? lost || " What a television needs stays allowed." : "";
  const gone = consequences.replaces;
  // One that comes back takes the place of the new one, when it speaks of the same for as long.
  const displaces = (old) => Boolean(old.subtree) === Boolean(rule.subtree) && (!old.ends || rule.ends);
  tell(`${verb}: ${target(rule)}, for ${labelOf(rule.device)}.${spared}`, () => during(null, async () => {
    for (const old of gone) decided({ rule: await ask("POST", "/api/v1/rules", bodyOf(old)), removed: false });
    if (!gone.some(displaces)) decided({ rule: await ask("DELETE", `/api/v1/rules/${rule.id}`) ?? rule, removed: true });
    tell("Undone.");
  }));
}

// A click on the card that is on already changes nothing; "as everyone" takes the device's own choice back.
export async function choosePreset(button) {
  if (button.getAttribute("aria-pressed") === "true") return;
  const { preset, label } = button.dataset;
  const device = button.dataset.device ?? null;
  const before = button.dataset.rule ? JSON.parse(button.dataset.rule) : null;
  const whom = label ? plain(label) : labelOf(device);
  const back = async (made) => {
    if (before) decided({ rule: await ask("POST", "/api/v1/rules", bodyOf(before)), removed: false });
    else decided({ rule: await ask("DELETE", `/api/v1/rules/${made.id}`) ?? made, removed: true });
    tell("Undone.");
  };
  if (preset === "as-everyone") {
    if (!before) return;
    await ask("DELETE", `/api/v1/rules/${before.id}`);
    decided({ rule: before, removed: true });
    tell(`From now on ${whom} does as everyone.`, () => during(null, () => back(null)));
    return;
  }
  const made = await ask("POST", "/api/v1/rules", { action: preset === "off" ? "allow" : "block", preset, device });
  decided({ rule: made, removed: false });
  const said = preset === "off" ? `No preset is on for ${whom}.` : `${presetWords(preset)} is on for ${whom}.`;
  tell(said, () => during(null, () => back(made)));
}

export async function removeRule(rule) {
  await ask("DELETE", `/api/v1/rules/${rule.id}`);
  decided({ rule, removed: true });
  tell(`Removed: ${rule.preset ? "" : `${rule.action} `}${target(rule)}, for ${labelOf(rule.device)}.`, () => during(null, async () => {
    const again = rule.everything && rule.action === "allow"
      ? (await ask("POST", "/api/v1/pause", { device: rule.device ?? null, seconds: secondsLeft(rule) })).rule
      : await ask("POST", "/api/v1/rules", bodyOf(rule));
    decided({ rule: again, removed: false });
    tell("Undone.");
  }));
}

export async function pause(device, seconds) {
  const { rule } = await ask("POST", "/api/v1/pause", { device: device || null, seconds });
  decided({ rule, removed: seconds === 0 });
  if (seconds === 0) {
    tell(`Filtering is on again for ${labelOf(device)}.`);
  } else {
    tell(`Filtering is paused for ${labelOf(device)}.`, () => during(null, async () => {
      await ask("POST", "/api/v1/pause", { device: device || null, seconds: 0 });
      decided({ rule, removed: true });
      tell(`Filtering is on again for ${labelOf(device)}.`);
    }));
  }
}

// "until tomorrow" ends at six in the morning: an evening is over by then, whenever it began.
export function secondsOf(choice, now = new Date()) {
  if (!choice) return null;
  if (choice !== "tomorrow") return Number(choice);
  const end = new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1, 6);
  return Math.round((end - now) / 1000);
}
