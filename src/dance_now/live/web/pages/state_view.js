// What the server says, shown: the settings, the characters, the recording, and the figures.

import { remembered, startCamera } from "./camera.js";
import { $, set } from "./page.js";
import { openCharacter } from "./uploads.js";

const LATENCIES = 12; // frames over which latency is averaged
let latencies = [];
let recordingSince = 0;

/** The last state that the server has sent, or null. */
export let state = null;

export function show(next) {
  const first = state === null;
  state = next;
  const { settings } = state;
  $("stage").dataset.scene = settings.scene;
  $("stage").style.background = settings.scene === "color" ? settings.color : "";
  $("self").classList.toggle("mirrored", settings.mirror);
  for (const button of $("scenes").children) button.setAttribute("aria-checked", button.dataset.scene === settings.scene);
  $("scenes").style.setProperty("--chosen", settings.color);
  $("color-row").hidden = settings.scene !== "color";
  $("picture-row").hidden = settings.scene !== "picture";
  $("plate-hint").hidden = settings.scene !== "replace" || state.plate;
  $("picture-name").textContent = state.picture || "No picture yet";
  $("color").value = settings.color;
  $("mirror").checked = settings.mirror;
  $("idle").checked = settings.idle;
  $("limit").value = settings.frame_rate_limit;
  $("limit-text").textContent = `${settings.frame_rate_limit} fps`;
  $("calibrated").hidden = !state.calibrated;
  showPerson(settings.person);
  showCast();
  $("pause").setAttribute("aria-pressed", settings.paused);
  $("pause").lastChild.textContent = settings.paused ? "Go on" : "Pause";
  const recording = Boolean(state.recording);
  if (recording && !recordingSince) recordingSince = Date.now();
  if (!recording) recordingSince = 0;
  $("record").setAttribute("aria-pressed", recording);
  $("record").lastChild.textContent = recording ? "Stop" : "Record";
  $("format").disabled = recording;
  $("format").options[1].textContent = settings.scene === "alpha" ? "webm, transparent" : "webm";
  $("live").hidden = !recording;
  $("show").value = state.show;
  $("files").replaceChildren(...state.files.slice(-6).reverse().map((name) => {
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = `/files/${encodeURIComponent(name)}`;
    link.target = "_blank";
    link.textContent = name;
    item.append(link);
    return item;
  }));
  if (first) begin();
}

function showPerson(person) {
  const own = $("person").querySelector("[data-own]");
  if (typeof person === "number") {
    const option = own ?? new Option("", "");
    option.dataset.own = "1";
    option.textContent = `Person ${person}`;
    option.value = person;
    if (!own) $("person").append(option);
  } else {
    own?.remove();
  }
  $("person").value = person;
  $("follow-hint").hidden = person === "largest" || Boolean(state.camera);
}

function showCast() {
  const names = state.characters.map((each) => each.name);
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
    card.setAttribute("aria-checked", card.dataset.name === state.settings.character);
  }
  const now = state.characters.find((each) => each.name === state.settings.character);
  $("credit").textContent = now ? [now.credits, now.licence].filter(Boolean).join(" · ") : "";
}

export function showFigures({ rate, latency, shows, people, followed }) {
  $("rate").value = rate ? rate.toFixed(rate < 10 ? 1 : 0) : "–";
  const own = latencies.length ? latencies.reduce((sum, each) => sum + each, 0) / latencies.length : latency;
  $("latency").value = own ? Math.round(own) : "–";
  $("shows").value = shows;
  const several = state && state.settings.person !== "largest" && people;
  $("people").replaceChildren(...(several ? Object.entries(people) : []).map(([id, [left, top, width, height]]) => {
    const box = document.createElement("button");
    box.style.left = `${100 * left}%`;
    box.style.top = `${100 * top}%`;
    box.style.width = `${100 * width}%`;
    box.style.height = `${100 * height}%`;
    box.setAttribute("aria-label", `Follow person ${id}`);
    box.setAttribute("aria-pressed", followed.includes(Number(id)));
    box.addEventListener("click", () => set({ person: Number(id) }));
    return box;
  }));
}

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

function begin() {
  if (state.camera) {
    $("camera-own").hidden = true;
    $("camera-server").hidden = false;
    $("camera-server").textContent = `Frames come from ${state.camera}.`;
    $("cover").hidden = true;
  } else if (remembered().on) {
    startCamera();
  }
}
