/** The player page: what is clicked, opened and dropped goes to the workers; what they draw is shown. */
import { onDrag } from "./dragging.js";
import { DrawingWorkers } from "./drawing_workers.js";
import { StageCanvas } from "./stage_canvas.js";

const LONGEST_STEP = 0.25; // seconds; a page that slept goes on where it was
const LEAST_MS = 1000 / 60;
const RATE_MS = 1000;

const stage = new StageCanvas(/** @type {HTMLCanvasElement} */ (element("canvas")));
const workers = new DrawingWorkers(heard, () =>
  notice("This browser cannot run the player. Update it, or use a current Chrome, Firefox or Safari."),
);
const state = { playing: true, time: 0, last: performance.now(), timer: 0, dirty: true, shown: 0, since: 0 };
let character = "character";

/** @param {string} id */
function element(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}

/** @param {string} id of an input or a choice */
function input(id) {
  return /** @type {HTMLInputElement} */ (element(id));
}

/** @param {string} text of what went wrong; empty: nothing */
function notice(text) {
  const line = element("notice");
  line.textContent = text;
  line.hidden = !text;
}

/** Asks for the next moment, when it is time and a worker is free. */
function ask() {
  clearTimeout(state.timer);
  if (!workers.isFree || (!state.playing && !state.dirty)) return;
  const now = performance.now();
  const early = state.last + Math.max(LEAST_MS, workers.spacing) - now;
  if (early > 0) {
    state.timer = setTimeout(ask, early);
    return;
  }
  if (state.playing) state.time += Math.min((now - state.last) / 1000, LONGEST_STEP);
  Object.assign(state, { last: now, dirty: false });
  workers.draw({ type: "draw", time: state.time, side: Number(input("side").value) });
  ask();
}

function redraw() {
  state.dirty = true;
  ask();
}

/** @param {import("./worker.js").Answer} drawn */
function show({ picture = null, side = 1 }) {
  ask(); // the worker is not kept waiting until this picture is on the screen
  if (picture) element("hint").hidden = true;
  stage.show(picture, side);
  state.shown++;
  const now = performance.now();
  if (now - state.since > RATE_MS) {
    element("rate").textContent = ((1000 * state.shown) / (now - state.since)).toFixed(0);
    Object.assign(state, { shown: 0, since: now });
  }
}

/** @param {import("./worker.js").Answer} said */
function heard(said) {
  if (said.type === "picture") return show(said);
  if (said.type === "failed") {
    if (said.of !== "draw") mark(said.of === "character" ? "characters" : "motions", "");
    return notice(said.text ?? "");
  }
  notice("");
  if (said.type === "character") {
    character = said.name ?? "";
    mark("characters", said.template === "points" ? `${said.name}:network` : character);
    element("credit").textContent = `${said.credits}; ${said.licence}`;
  } else {
    mark("motions", said.title ?? "");
  }
  redraw();
}

/**
 * Marks the choice of a group.
 * @param {string} group
 * @param {string} name
 */
function mark(group, name) {
  for (const button of element(group).querySelectorAll("button")) {
    button.setAttribute("aria-checked", String(button.dataset.name === name));
  }
}

/**
 * @param {string} group
 * @param {string} name
 * @param {string} title
 * @param {() => void} chosen
 */
function addChoice(group, name, title, chosen) {
  const button = document.createElement("button");
  Object.assign(button, { textContent: title, onclick: chosen });
  button.dataset.name = name;
  button.setAttribute("role", "radio");
  button.setAttribute("aria-checked", "false");
  element(group).append(button);
}

/** @param {string} address @returns {Promise<any>} null where there is nothing */
async function json(address) {
  const response = await fetch(new URL(address, import.meta.url)).catch(() => null);
  return response?.ok ? response.json() : null;
}

/** Characters beside this page: characters/index.json has their names and files. */
async function listCharacters() {
  const listed = (await json("characters/index.json")) ?? [];
  for (const { name, file } of listed) addChoice("characters", name, name.replace(":", " "), () => fetchCharacter(file));
  if (listed.length) await fetchCharacter(listed[0].file);
  else element("hint").textContent = "Open or drop a .dance file";
}

/** @param {string} file */
async function fetchCharacter(file) {
  const response = await fetch(new URL(`characters/${file}`, import.meta.url)).catch(() => null);
  if (!response?.ok) return notice(`${file} could not be loaded.`);
  const data = new Uint8Array(await response.arrayBuffer());
  workers.open({ type: "character", data, title: file });
}

async function listMotions() {
  const listed = (await json("motions.json")) ?? [];
  const choose = (/** @type {{name: string, credit: string}} */ motion) => {
    element("motion-credit").textContent = motion.credit;
    workers.open({ type: "library", title: motion.name });
  };
  for (const motion of listed) addChoice("motions", motion.name, motion.title, () => choose(motion));
  if (listed.length) choose(listed[0]);
}

/** @param {Iterable<File>} files */
async function open(files) {
  for (const file of files) {
    const data = new Uint8Array(await file.arrayBuffer());
    const type = file.name.toLowerCase().endsWith(".dance") ? "character" : "motion";
    if (type === "motion") element("motion-credit").textContent = "";
    workers.open({ type, data, title: file.name });
  }
}

/**
 * @param {Blob | null} content
 * @param {string} suffix
 */
function offer(content, suffix) {
  if (!content) return;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = link.textContent = `${character}-${new Date().toISOString().slice(0, 19).replaceAll(":", "-")}.${suffix}`;
  const line = document.createElement("li");
  line.append(link);
  element("files").append(line);
  link.click();
}

/** @param {string | null} color */
function setGround(color) {
  stage.color = color;
  element("stage").dataset.ground = color ? "color" : "clear";
  element("clear").setAttribute("aria-pressed", String(!color));
  element("colored").setAttribute("aria-pressed", String(Boolean(color)));
  redraw();
}

element("play").onclick = () => {
  state.playing = !state.playing;
  element("play").textContent = state.playing ? "Pause" : "Play";
  element("play").setAttribute("aria-pressed", String(state.playing));
  state.last = performance.now();
  ask();
};
element("picture").onclick = async () => offer(await stage.picture(), "png");
element("record").onclick = () => {
  const recording = element("record").getAttribute("aria-pressed") === "true";
  if (recording) stage.stop();
  else if (!stage.record((video) => offer(video, "webm"))) return notice("This browser records no WebM.");
  element("record").setAttribute("aria-pressed", String(!recording));
  element("record").textContent = recording ? "Record" : "Stop";
};
element("clear").onclick = () => setGround(null);
element("colored").onclick = element("color").oninput = () => setGround(input("color").value);
element("side").onchange = redraw;
for (const id of ["character-file", "motion-file"]) {
  const field = input(id);
  field.onchange = () => open(field.files ?? []).then(() => (field.value = ""));
}
onDrag(element("stage"), (yaw, pitch) => {
  workers.turn({ type: "turn", yaw, pitch });
  redraw();
});
addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("dropping");
});
addEventListener("dragleave", () => document.body.classList.remove("dropping"));
addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dropping");
  open(event.dataTransfer?.files ?? []);
});
listCharacters();
listMotions();
