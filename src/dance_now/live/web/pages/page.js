// What all parts of the control page use: its elements, its notices, and the way to the server.

export const $ = (id) => document.getElementById(id);
export const worker = new Worker("/pages/worker.js", { type: "module" });
export const tell = (message) => worker.postMessage({ type: "command", message });
export const set = (changes) => tell({ type: "set", changes });
const NOTICE_MS = 7000;

export function notice(text, good = false) {
  const line = document.createElement("p");
  line.textContent = text;
  line.className = good ? "good" : "";
  $("notices").append(line);
  while ($("notices").children.length > 4) $("notices").firstChild.remove();
  setTimeout(() => line.remove(), NOTICE_MS);
}

export function cover(title, text, button = "Try again") {
  $("cover-title").textContent = title;
  $("cover-text").textContent = text;
  $("start").textContent = button;
  $("start").hidden = !button;
  $("cover").hidden = false;
}
