// Control page: the camera, the settings, and what the server says. Frames go through worker.js.

const $ = (id) => document.getElementById(id);
const worker = new Worker("/pages/worker.js", { type: "module" });
const NOTICE_MS = 7000;
const STEP_OUT_SECONDS = 6;
const CALIBRATE_SECONDS = 3;
const LATENCIES = 12; // frames over which latency is averaged
const STORED = "dance_now live camera";

let state = null;
let track = null;
let recordingSince = 0;
let latencies = [];

const tell = (message) => worker.postMessage({ type: "command", message });
const set = (changes) => tell({ type: "set", changes });

function notice(text, good = false) {
  const line = document.createElement("p");
  line.textContent = text;
  line.className = good ? "good" : "";
  $("notices").append(line);
  while ($("notices").children.length > 4) $("notices").firstChild.remove();
  setTimeout(() => line.remove(), NOTICE_MS);
}

// ---- camera

const TROUBLES = {
  NotAllowedError: ["The camera is blocked", "Click the camera or lock icon beside the address, allow the camera, then try again."],
  NotFoundError: ["No camera found", "Plug one in, then try again. Or start dance-now live --camera with a number or a video file."],
  NotReadableError: ["The camera is busy", "Another program uses it. Close that program, then try again."],
  OverconstrainedError: ["The camera lacks this resolution", "Choose another resolution, then try again."],
};

function cover(title, text, button = "Try again") {
  $("cover-title").textContent = title;
  $("cover-text").textContent = text;
  $("start").textContent = button;
  $("start").hidden = !button;
  $("cover").hidden = false;
}

function remembered() {
  try {
    return JSON.parse(localStorage.getItem(STORED)) ?? {};
  } catch {
    return {};
  }
}

async function startCamera() {
  if (!navigator.mediaDevices) {
    cover("No camera here", "Browsers give a camera only to pages on this computer or with TLS. See docs/live.md.", "");
    return;
  }
  stopCamera();
  const [width, height] = $("size").value.split("x").map(Number);
  const device = $("camera").value;
  const video = { width: { ideal: width }, height: { ideal: height }, frameRate: { ideal: 30 } };
  if (device) video.deviceId = { exact: device };
  try {
    const media = await navigator.mediaDevices.getUserMedia({ video });
    [track] = media.getVideoTracks();
    $("video").srcObject = media;
    await $("video").play();
  } catch (error) {
    const [title, text] = TROUBLES[error.name] ?? ["The camera does not start", error.message];
    cover(title, text);
    return;
  }
  localStorage.setItem(STORED, JSON.stringify({ device: track.getSettings().deviceId, size: $("size").value, on: true }));
  track.addEventListener("ended", () => {
    stopCamera();
    cover("The camera is gone", "It goes on by itself once it is back.");
  });
  $("cover").hidden = true;
  $("self").hidden = false;
  listCameras();
  if (globalThis.MediaStreamTrackProcessor) {
    const { readable } = new MediaStreamTrackProcessor({ track: track.clone(), maxBufferSize: 1 });
    worker.postMessage({ type: "camera", stream: readable }, [readable]);
  } else {
    worker.postMessage({ type: "camera", stream: null });
  }
}

function stopCamera() {
  worker.postMessage({ type: "release" });
  $("video").srcObject?.getTracks().forEach((each) => each.stop());
  $("video").srcObject = null;
  $("self").hidden = true;
  track = null;
}

async function grab() {
  if ($("video").readyState < 2) return;
  const bitmap = await createImageBitmap($("video"));
  worker.postMessage({ type: "frame", bitmap }, [bitmap]);
}

async function listCameras() {
  const chosen = track?.getSettings().deviceId ?? $("camera").value;
  const found = (await navigator.mediaDevices.enumerateDevices()).filter((each) => each.kind === "videoinput");
  $("camera").replaceChildren(
    ...found.map((each, index) => new Option(each.label || `Camera ${index + 1}`, each.deviceId, false, each.deviceId === chosen)),
  );
  if (!found.length) $("camera").append(new Option("No camera", ""));
}

// ---- what the server says

function show(next) {
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

function showFigures({ rate, latency, shows, people, followed }) {
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

// ---- uploads

async function send(address, file) {
  const answer = await fetch(address, { method: "POST", body: file });
  const content = await answer.json().catch(() => ({ error: "The file is too large or could not be sent." }));
  if (!answer.ok) throw new Error(content.error);
  return content;
}

async function openCharacter(input) {
  try {
    const { name } = await send("/characters", input.files[0]);
    set({ character: name });
  } catch (error) {
    notice(error.message);
  }
  input.value = "";
}

async function openPicture() {
  const [file] = $("picture").files;
  try {
    await send(`/picture?name=${encodeURIComponent(file.name)}`, file);
  } catch (error) {
    notice(error.message);
  }
  $("picture").value = "";
}

// ---- countdowns, for one person alone

async function countDown(seconds, text) {
  $("count").hidden = false;
  $("count").lastChild.textContent = text;
  for (let left = seconds; left > 0; left -= 1) {
    $("count").firstChild.textContent = left;
    await new Promise((done) => setTimeout(done, 1000));
  }
  $("count").hidden = true;
}

// ---- wiring

const HANDLERS = {
  message({ message }) {
    if (message.type === "state") show(message);
    else if (message.type === "stats") showFigures(message);
    else if (message.type === "notice") notice(message.text, message.good);
    else if (message.type === "released") {
      stopCamera();
      cover("Another page has the camera", "Take it back to go on here.", "Use it here");
    }
  },
  link({ open, failures }) {
    $("link").dataset.state = open ? "open" : "lost";
    if (!open) latencies = [];
    if (!open && failures === 3) notice("dance-now does not answer. If it was started again, open the address that it printed.");
  },
  ratio({ ratio }) {
    document.documentElement.style.setProperty("--ratio", ratio);
  },
  latency({ ms }) {
    latencies = [...latencies.slice(1 - LATENCIES), ms];
  },
  grab,
};
worker.addEventListener("message", ({ data }) => HANDLERS[data.type](data));

$("start").addEventListener("click", startCamera);
for (const id of ["camera", "size"]) $(id).addEventListener("change", startCamera);
for (const button of $("scenes").children) button.addEventListener("click", () => set({ scene: button.dataset.scene }));
$("color").addEventListener("input", () => set({ color: $("color").value }));
$("picture").addEventListener("change", openPicture);
$("mirror").addEventListener("change", () => set({ mirror: $("mirror").checked }));
$("idle").addEventListener("change", () => set({ idle: $("idle").checked }));
$("limit").addEventListener("input", () => { $("limit-text").textContent = `${$("limit").value} fps`; });
$("limit").addEventListener("change", () => set({ frame_rate_limit: Number($("limit").value) }));
$("person").addEventListener("change", () => {
  const { value } = $("person");
  set({ person: /^\d+$/.test(value) ? Number(value) : value });
});
$("pause").addEventListener("click", () => set({ paused: !state.settings.paused }));
$("snapshot").addEventListener("click", () => tell({ type: "snapshot" }));
$("record").addEventListener("click", () => tell({ type: "record", on: !state.recording, format: $("format").value }));
$("plate").addEventListener("click", async () => {
  await countDown(STEP_OUT_SECONDS, "Step out of the picture");
  tell({ type: "clean_plate" });
});
$("calibrate").addEventListener("click", async () => {
  await countDown(CALIBRATE_SECONDS, "Stand straight, look at the camera, relax your face");
  tell({ type: "calibrate" });
});
$("forget").addEventListener("click", () => tell({ type: "forget_calibration" }));
$("copy").addEventListener("click", async () => {
  await navigator.clipboard.writeText($("show").value).catch(() => $("show").select());
  $("copy").textContent = "Copied";
  setTimeout(() => { $("copy").textContent = "Copy"; }, 1500);
});
navigator.mediaDevices?.addEventListener("devicechange", () => {
  listCameras();
  if (!track && remembered().on && state && !state.camera) startCamera();
});
setInterval(() => {
  const seconds = recordingSince ? Math.floor((Date.now() - recordingSince) / 1000) : 0;
  $("clock").textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}, 500);

if (globalThis.OffscreenCanvas && $("canvas").transferControlToOffscreen) {
  $("size").value = remembered().size ?? "640x480";
  const canvas = $("canvas").transferControlToOffscreen();
  worker.postMessage({ type: "start", canvas }, [canvas]);
} else {
  cover("This browser is too old", "dance_now live needs Chrome or Edge 105, Firefox 114, Safari 17 or newer.", "");
}
