// Control page: what each control does, and what comes from worker.js, through which frames and commands go.

import { grab, isRunning, listCameras, remembered, startCamera, stopCamera } from "./camera.js";
import { $, cover, field, notice, set, tell, worker } from "./page.js";
import { forgetLatencies, noteLatency, scenes, show, showClock, showFigures, state } from "./state_view.js";
import { openPicture } from "./uploads.js";

const STEP_OUT_SECONDS = 6;
const CALIBRATE_SECONDS = 3;

/**
 * Counts down, for somebody who is alone.
 * @param {number} seconds
 * @param {string} text
 */
async function countDown(seconds, text) {
  const [number, remark] = $("count").children;
  $("count").hidden = false;
  remark.textContent = text;
  for (let left = seconds; left > 0; left -= 1) {
    number.textContent = String(left);
    await new Promise((done) => setTimeout(done, 1000));
  }
  $("count").hidden = true;
}

/** What worker.js sends, by its type. @type {Record<string, (data: any) => void>} */
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
for (const button of scenes()) button.addEventListener("click", () => set({ scene: button.dataset.scene }));
field("color").addEventListener("input", () => set({ color: field("color").value }));
$("picture").addEventListener("change", openPicture);
$("mirror").addEventListener("change", () => set({ mirror: field("mirror").checked }));
$("idle").addEventListener("change", () => set({ idle: field("idle").checked }));
$("limit").addEventListener("input", () => { $("limit-text").textContent = `${field("limit").value} fps`; });
$("limit").addEventListener("change", () => set({ frame_rate_limit: Number(field("limit").value) }));
$("person").addEventListener("change", () => {
  const { value } = field("person");
  set({ person: /^\d+$/.test(value) ? Number(value) : value });
});
$("pause").addEventListener("click", () => set({ paused: !state?.settings.paused }));
$("snapshot").addEventListener("click", () => tell({ type: "snapshot" }));
$("record").addEventListener("click", () => tell({ type: "record", on: !state?.recording, format: field("format").value }));
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
  await navigator.clipboard.writeText(field("show").value).catch(() => field("show").select());
  $("copy").textContent = "Copied";
  setTimeout(() => { $("copy").textContent = "Copy"; }, 1500);
});
navigator.mediaDevices?.addEventListener("devicechange", () => {
  listCameras();
  if (!isRunning() && remembered().on && state && !state.camera) startCamera();
});
setInterval(showClock, 500);

const drawn = /** @type {HTMLCanvasElement} */ ($("canvas"));
if ("OffscreenCanvas" in globalThis && "transferControlToOffscreen" in drawn) {
  field("size").value = remembered().size ?? "640x480";
  const canvas = drawn.transferControlToOffscreen();
  worker.postMessage({ type: "start", canvas }, [canvas]);
} else {
  cover("This browser is too old", "dance_now live needs Chrome or Edge 105, Firefox 114, Safari 17 or newer.", "");
}
