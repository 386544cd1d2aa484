// Draws parts of the page anew as the server would draw them now, keeping what is open and where the keyboard is.

let running = null;
let waiting = null;

export function freshen(path = location.pathname + location.search) {
  if (running) {
    waiting = waiting && path === "/strip" ? waiting : path;
    return running;
  }
  running = draw(path).finally(() => {
    running = null;
    const next = waiting;
    waiting = null;
    if (next) freshen(next);
  });
  return running;
}

async function draw(path) {
  let text;
  try {
    const answer = await fetch(path, { credentials: "same-origin", headers: { Accept: "text/html" } });
    if (!answer.ok || answer.redirected) return;
    text = await answer.text();
  } catch {
    return;
  }
  const drawn = new DOMParser().parseFromString(text, "text/html");
  for (const part of drawn.querySelectorAll("[data-fresh][id]")) {
    const old = document.getElementById(part.id);
    if (old && !isTouched(old)) swap(old, document.adoptNode(part));
  }
  document.dispatchEvent(new CustomEvent("telltale:fresh"));
}

// A form that somebody fills in is left alone.
function isTouched(part) {
  return part.contains(document.activeElement) && document.activeElement.matches("input, select, textarea")
    || [...part.querySelectorAll("details.drop[open]")].length > 0;
}

function swap(old, part) {
  const open = [...old.querySelectorAll("details[id][open]")].map((each) => each.id);
  const focused = old.contains(document.activeElement) ? trail(old, document.activeElement) : null;
  const choices = [...old.querySelectorAll("select, input:not([type=hidden])")].map((each) => each.value);
  old.replaceWith(part);
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  const fields = [...part.querySelectorAll("select, input:not([type=hidden])")];
  if (fields.length === choices.length) {
    fields.forEach((field, index) => {
      if (field.tagName !== "SELECT" || [...field.options].some((option) => option.value === choices[index])) field.value = choices[index];
    });
  }
  if (focused) (follow(part, focused) ?? part.querySelector("button, a"))?.focus({ preventScroll: true });
}

function trail(from, to) {
  const steps = [];
  for (let node = to; node !== from; node = node.parentElement) steps.unshift([...node.parentElement.children].indexOf(node));
  return steps;
}

// The same place in the new drawing, or what can be pressed nearest to it.
function follow(from, steps) {
  let node = from;
  for (const step of steps) {
    if (!node.children[step]) break;
    node = node.children[step];
  }
  if (node.matches("button, a, summary, input, select")) return node;
  return node.querySelector("button, a, summary") ?? node.parentElement?.querySelector("button, a, summary");
}
