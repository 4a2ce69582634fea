// What the server says, shown: the settings, the characters, the recording, and the figures.

import { remembered, startCamera } from "./camera.js";
import { $, field, set } from "./page.js";
import { openCharacter } from "./uploads.js";

const LATENCIES = 12; // frames over which latency is averaged
/**
 * The state that the server sends (LiveDirector.state).
 * @typedef {object} State
 * @property {{scene: string, color: string, mirror: boolean, idle: boolean, frame_rate_limit: number, paused: boolean, person: string | number, character: string}} settings
 * @property {{name: string, credits: string, licence: string}[]} characters
 * @property {string} camera of the server; empty: the page's own
 * @property {string} picture in the background
 * @property {string} recording
 * @property {boolean} plate whether the empty scene is known
 * @property {boolean} calibrated
 * @property {string} show address of the show page
 * @property {string[]} files
 */

/**
 * @typedef {object} Figures
 * @property {number} rate
 * @property {number} latency
 * @property {number} shows
 * @property {Record<string, [number, number, number, number]> | null} people
 * @property {number[]} followed
 */

/** @type {number[]} */
let latencies = [];
let recordingSince = 0;

/** The last state that the server has sent. @type {State | null} */
export let state = null;

export const scenes = () => /** @type {HTMLButtonElement[]} */ ([...$("scenes").children]);

/** @param {State} next */
export function show(next) {
  const first = state === null;
  state = next;
  const { settings } = next;
  $("stage").dataset.scene = settings.scene;
  $("stage").style.background = settings.scene === "color" ? settings.color : "";
  $("self").classList.toggle("mirrored", settings.mirror);
  for (const button of scenes()) button.setAttribute("aria-checked", String(button.dataset.scene === settings.scene));
  $("scenes").style.setProperty("--chosen", settings.color);
  $("color-row").hidden = settings.scene !== "color";
  $("picture-row").hidden = settings.scene !== "picture";
  $("plate-hint").hidden = settings.scene !== "replace" || next.plate;
  $("picture-name").textContent = next.picture || "No picture yet";
  field("color").value = settings.color;
  field("mirror").checked = settings.mirror;
  field("idle").checked = settings.idle;
  field("limit").value = String(settings.frame_rate_limit);
  $("limit-text").textContent = `${settings.frame_rate_limit} fps`;
  $("calibrated").hidden = !next.calibrated;
  showPerson(settings.person, Boolean(next.camera));
  showCast(next);
  press("pause", settings.paused, settings.paused ? "Go on" : "Pause");
  const recording = Boolean(next.recording);
  if (recording && !recordingSince) recordingSince = Date.now();
  if (!recording) recordingSince = 0;
  press("record", recording, recording ? "Stop" : "Record");
  const format = choice("format");
  format.disabled = recording;
  format.options[1].textContent = settings.scene === "alpha" ? "webm, transparent" : "webm";
  $("live").hidden = !recording;
  field("show").value = next.show;
  $("files").replaceChildren(...next.files.slice(-6).reverse().map((name) => {
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = `/files/${encodeURIComponent(name)}`;
    link.target = "_blank";
    link.textContent = name;
    item.append(link);
    return item;
  }));
  if (first) begin(next);
}

/** @param {string} id */
const choice = (id) => /** @type {HTMLSelectElement} */ ($(id));

/**
 * @param {string} id of a button
 * @param {boolean} pressed
 * @param {string} text
 */
function press(id, pressed, text) {
  $(id).setAttribute("aria-pressed", String(pressed));
  const label = $(id).lastElementChild;
  if (label) label.textContent = text;
}

/**
 * @param {string | number} person
 * @param {boolean} ofServer whether frames come from the server's camera, in which nobody can be clicked on
 */
function showPerson(person, ofServer) {
  const own = /** @type {HTMLOptionElement | null} */ ($("person").querySelector("[data-own]"));
  if (typeof person === "number") {
    const option = own ?? new Option("", "");
    option.dataset.own = "1";
    option.textContent = `Person ${person}`;
    option.value = String(person);
    if (!own) $("person").append(option);
  } else {
    own?.remove();
  }
  field("person").value = String(person);
  $("follow-hint").hidden = person === "largest" || ofServer;
}

/** @param {State} state */
function showCast({ characters, settings }) {
  const names = characters.map((each) => each.name);
  if ($("cast").dataset.names !== names.join()) {
    $("cast").dataset.names = names.join();
    const cards = names.map((name) => {
      const card = document.createElement("button");
      card.setAttribute("role", "radio");
      card.dataset.name = name;
      const picture = new Image();
      picture.src = `/characters/${encodeURIComponent(name)}.png`;
      picture.alt = "";
      const label = document.createElement("b");
      label.textContent = name;
      card.append(picture, label);
      card.addEventListener("click", () => set({ character: name }));
      return card;
    });
    const open = document.createElement("label");
    open.className = "open";
    open.innerHTML = "<span>+</span>Open a .dance file";
    const file = document.createElement("input");
    file.type = "file";
    file.accept = ".dance";
    file.addEventListener("change", () => openCharacter(file));
    open.append(file);
    $("cast").replaceChildren(...cards, open);
  }
  for (const card of $("cast").querySelectorAll("button")) {
    card.setAttribute("aria-checked", String(card.dataset.name === settings.character));
  }
  const now = characters.find((each) => each.name === settings.character);
  $("credit").textContent = now ? [now.credits, now.licence].filter(Boolean).join(" · ") : "";
}

/** @param {Figures} figures */
export function showFigures({ rate, latency, shows, people, followed }) {
  field("rate").value = rate ? rate.toFixed(rate < 10 ? 1 : 0) : "–";
  const own = latencies.length ? latencies.reduce((sum, each) => sum + each, 0) / latencies.length : latency;
  field("latency").value = own ? String(Math.round(own)) : "–";
  field("shows").value = String(shows);
  const shown = state && state.settings.person !== "largest" && people ? people : {};
  $("people").replaceChildren(...Object.entries(shown).map(([id, [left, top, width, height]]) => {
    const box = document.createElement("button");
    box.style.left = `${100 * left}%`;
    box.style.top = `${100 * top}%`;
    box.style.width = `${100 * width}%`;
    box.style.height = `${100 * height}%`;
    box.setAttribute("aria-label", `Follow person ${id}`);
    box.setAttribute("aria-pressed", String(followed.includes(Number(id))));
    box.addEventListener("click", () => set({ person: Number(id) }));
    return box;
  }));
}

/** @param {number} ms from a frame's taking to its showing */
export function noteLatency(ms) {
  latencies = [...latencies.slice(1 - LATENCIES), ms];
}

export function forgetLatencies() {
  latencies = [];
}

export function showClock() {
  const seconds = recordingSince ? Math.floor((Date.now() - recordingSince) / 1000) : 0;
  $("clock").textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** @param {State} state the first one */
function begin({ camera }) {
  if (camera) {
    $("camera-own").hidden = true;
    $("camera-server").hidden = false;
    $("camera-server").textContent = `Frames come from ${camera}.`;
    $("cover").hidden = true;
  } else if (remembered().on) {
    startCamera();
  }
}
