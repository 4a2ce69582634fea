// Control page: what each control does, and what comes from worker.js, through which frames and commands go.

import { grab, isRunning, listCameras, remembered, startCamera, stopCamera } from "./camera.js";
import { $, cover, notice, set, tell, worker } from "./page.js";
import { forgetLatencies, noteLatency, show, showClock, showFigures, state } from "./state_view.js";
import { openPicture } from "./uploads.js";

const STEP_OUT_SECONDS = 6;
const CALIBRATE_SECONDS = 3;

/** Counts down, for somebody who is alone. */
async function countDown(seconds, text) {
  $("count").hidden = false;
  $("count").lastChild.textContent = text;
  for (let left = seconds; left > 0; left -= 1) {
    $("count").firstChild.textContent = left;
    await new Promise((done) => setTimeout(done, 1000));
  }
  $("count").hidden = true;
}

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
    if (!open) forgetLatencies();
    if (!open && failures === 3) notice("dance-now does not answer. If it was started again, open the address that it printed.");
  },
  ratio({ ratio }) {
    document.documentElement.style.setProperty("--ratio", ratio);
  },
  latency({ ms }) {
    noteLatency(ms);
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
  if (!isRunning() && remembered().on && state && !state.camera) startCamera();
});
setInterval(showClock, 500);

if (globalThis.OffscreenCanvas && $("canvas").transferControlToOffscreen) {
  $("size").value = remembered().size ?? "640x480";
  const canvas = $("canvas").transferControlToOffscreen();
  worker.postMessage({ type: "start", canvas }, [canvas]);
} else {
  cover("This browser is too old", "dance_now live needs Chrome or Edge 105, Firefox 114, Safari 17 or newer.", "");
}
