// What all parts of the control page use: its elements, its notices, and the way to the server.

/** @param {string} id */
export const $ = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
/** @param {string} id of an element with a value: a field, a choice or an output */
export const field = (id) => /** @type {HTMLInputElement} */ ($(id));
export const worker = new Worker("/pages/worker.js", { type: "module" });
/** @param {object} message for the server */
export const tell = (message) => worker.postMessage({ type: "command", message });
/** @param {object} changes of the settings */
export const set = (changes) => tell({ type: "set", changes });
const NOTICE_MS = 7000;

/** @param {unknown} error */
export const reason = (error) => (error instanceof Error ? error.message : String(error));

/**
 * @param {string} text
 * @param {boolean} [good]
 */
export function notice(text, good = false) {
  const line = document.createElement("p");
  line.textContent = text;
  line.className = good ? "good" : "";
  $("notices").append(line);
  while ($("notices").children.length > 4) $("notices").firstElementChild?.remove();
  setTimeout(() => line.remove(), NOTICE_MS);
}

/**
 * @param {string} title
 * @param {string} text
 * @param {string} [button] empty: none
 */
export function cover(title, text, button = "Try again") {
  $("cover-title").textContent = title;
  $("cover-text").textContent = text;
  $("start").textContent = button;
  $("start").hidden = !button;
  $("cover").hidden = false;
}
