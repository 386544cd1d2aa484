// What just happened, and the way back: eight seconds, longer while somebody is at it.

const SECONDS = 8;
const MOST = 3;

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", "#i-" + name);
  svg.append(use);
  return svg;
}

function button(words, press) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "button";
  made.textContent = words;
  made.addEventListener("click", press);
  return made;
}

function place(region, sentence, className) {
  const toast = document.createElement("div");
  toast.className = className;
  const line = document.createElement("p");
  line.textContent = sentence;
  toast.append(line);
  region.append(toast);
  while (region.children.length > MOST) region.firstElementChild.remove();
  return toast;
}

function fade(toast) {
  let timer = null;
  const start = () => { timer ??= setTimeout(() => toast.remove(), SECONDS * 1000); };
  const stop = () => { clearTimeout(timer); timer = null; };
  toast.addEventListener("pointerenter", stop);
  toast.addEventListener("focusin", stop);
  toast.addEventListener("pointerleave", start);
  toast.addEventListener("focusout", start);
  start();
}

export function tell(sentence, undo) {
  const toast = place(document.getElementById("toasts"), sentence, "toast");
  if (undo) {
    const back = button("Undo", async () => {
      back.disabled = true;
      toast.remove();
      await undo();
    });
    back.dataset.undo = "";
    back.setAttribute("aria-keyshortcuts", "Control+Z");
    back.title = "Undo (Ctrl+Z)";
    toast.append(back);
  }
  fade(toast);
}

export function alarm(sentence) {
  const toast = place(document.getElementById("alarms"), sentence, "toast alarm");
  const close = button("", () => toast.remove());
  close.append(icon("close"));
  close.setAttribute("aria-label", "Close");
  toast.append(close);
  fade(toast);
}

document.addEventListener("keydown", (event) => {
  if (event.key.toLowerCase() !== "z" || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey) return;
  if (event.target instanceof Element && event.target.closest("input, select, textarea")) return;
  const last = [...document.querySelectorAll("#toasts [data-undo]")].pop();
  if (last) {
    event.preventDefault();
    last.click();
  }
});
