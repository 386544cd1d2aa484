// Every page: buttons, forms, menus, the strip.

import { ask } from "./ask.js";
import { choosePreset, during, decided, makeRule, pause, removeRule, secondsOf, whenDecided } from "./decide.js";
import { freshen } from "./fresh.js";
import "./times.js";
import { tell } from "./toast.js";
import { plain } from "./words.js";

const onLive = document.getElementById("rows") !== null;

const presses = {
  block: (button) => makeRule(wishOf(button)),
  allow: (button) => makeRule(wishOf(button)),
  remove: (button) => removeRule(JSON.parse(button.dataset.rule)),
  preset: (button) => choosePreset(button),
  resume: (button) => pause(button.dataset.device ?? "", 0),
  "remove-list": (button) => removeList(JSON.parse(button.dataset.list)),
  "refresh-lists": refreshLists,
  "accept-list": acceptList,
  isolate,
};

function wishOf(button) {
  const { act, device } = button.dataset;
  const kind = ["service", "trackers", "company", "category"].find((each) => button.dataset[each]) ?? "name";
  return { action: act, device: device || null, [kind]: button.dataset[kind] };
}

async function removeList(list) {
  await ask("DELETE", `/api/v1/lists/${list.id}`);
  decided({});
  tell(`Removed the list ${plain(list.title || list.source)}.`, () => during(null, async () => {
    await ask("POST", "/api/v1/lists", { source: list.source, title: list.title || "", action: list.action, comment: list.comment || "" });
    decided({});
    tell("Undone; the list is fetched again.");
  }));
}

async function refreshLists(button) {
  const { started } = await ask("POST", "/api/v1/lists/refresh");
  tell(started ? "The lists are being fetched; this can take a minute." : "The lists are being fetched already.");
  await untilInForce(button);
}

async function acceptList(button) {
  await ask("POST", `/api/v1/lists/${button.dataset.id}/accept`);
  tell("The new entries are taken; they are in force in a moment.");
  await untilInForce(button);
}

async function isolate(button) {
  const isolated = button.dataset.isolated === "true";
  const set = async (value) => {
    await ask("PUT", "/api/v1/network/isolation", { isolated: value });
    decided({});
  };
  await set(isolated);
  tell(isolated ? "Devices of this network cannot reach each other any more." : "Devices of this network reach each other again.", () => during(null, async () => {
    await set(!isolated);
    tell("Undone.");
  }));
}

async function untilInForce(button) {
  button.disabled = true;
  for (let attempt = 0; attempt < 60; attempt += 1) {
    await new Promise((resolve) => { setTimeout(resolve, 2000); });
    const { refreshing } = await ask("GET", "/api/v1/lists");
    if (!refreshing) break;
  }
  button.disabled = false;
  decided({});
}

const forms = {
  pause: async (form, pressed) => {
    const whom = form.dataset.device ?? form.elements.device.value;
    form.closest("details")?.removeAttribute("open");
    await pause(whom, Number(pressed.value));
  },
  rename: async (form) => {
    const path = `/api/v1/devices/${encodeURIComponent(form.dataset.device)}`;
    const old = form.dataset.old;
    const name = form.elements.name.value.trim();
    await ask("PATCH", path, { name });
    form.dataset.old = name;
    decided({});
    tell(name ? `It is called ${plain(name)} now.` : "It has no name of its own any more.", () => during(null, async () => {
      await ask("PATCH", path, { name: old });
      form.dataset.old = old;
      form.elements.name.value = old;
      decided({});
      tell("Undone.");
    }));
  },
  choose: (form, pressed) => makeRule(choiceOf(form, pressed)),
  write: async (form, pressed) => {
    await makeRule(choiceOf(form, pressed));
    form.elements.name.value = "";
  },
  "add-list": async (form, pressed) => {
    const source = form.elements.source.value.trim();
    const added = await ask("POST", "/api/v1/lists", { source, title: form.elements.title.value.trim(), action: form.elements.action.value });
    form.reset();
    pressed?.blur();
    decided({});
    tell(`Added the list ${plain(added.title || added.source)}.`, () => during(null, async () => {
      await ask("DELETE", `/api/v1/lists/${added.id}`);
      decided({});
      tell("Undone.");
    }));
  },
};

function choiceOf(form, pressed) {
  const what = form.elements.what.value;
  const whom = form.elements.whom.value;
  const wish = {
    action: pressed.value,
    device: whom === "device" ? form.dataset.device : whom || null,
    seconds: secondsOf(form.elements.seconds.value),
  };
  if (what === "company") return { ...wish, company: form.dataset.company };
  if (what === "category") return { ...wish, category: form.dataset.category };
  return { ...wish, name: form.dataset.name ?? form.elements.name.value.trim(), subtree: what === "subtree" };
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-act]");
  if (button && presses[button.dataset.act]) during(button, () => presses[button.dataset.act](button));
  for (const menu of document.querySelectorAll("details.drop[open]")) {
    if (!menu.contains(event.target)) menu.removeAttribute("open");
  }
});

document.addEventListener("submit", (event) => {
  const work = forms[event.target.dataset.form];
  if (!work) return;
  event.preventDefault();
  during(event.submitter, () => work(event.target, event.submitter));
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.drop[open]")) {
    menu.removeAttribute("open");
    menu.querySelector("summary").focus();
  }
});

whenDecided(() => freshen(onLive ? "/strip" : undefined));
setInterval(() => {
  if (!document.hidden) freshen("/strip");
}, 10000);
