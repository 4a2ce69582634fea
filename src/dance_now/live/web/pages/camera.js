// The camera: chosen, started, and its frames handed to worker.js.

import { $, cover, field, worker } from "./page.js";

const STORED = "dance_now live camera";
/** @type {MediaStreamTrack | null} */
let track = null;

/** @type {Record<string, [string, string]>} */
const TROUBLES = {
  NotAllowedError: ["The camera is blocked", "Click the camera or lock icon beside the address, allow the camera, then try again."],
  NotFoundError: ["No camera found", "Plug one in, then try again. Or start dance-now live --camera with a number or a video file."],
  NotReadableError: ["The camera is busy", "Another program uses it. Close that program, then try again."],
  OverconstrainedError: ["The camera lacks this resolution", "Choose another resolution, then try again."],
};

/** What was chosen the last time. @returns {{device?: string, size?: string, on?: boolean}} */
export function remembered() {
  try {
    return JSON.parse(localStorage.getItem(STORED) ?? "{}") ?? {};
  } catch {
    return {};
  }
}

const preview = () => /** @type {HTMLVideoElement} */ ($("video"));

export async function startCamera() {
  if (!navigator.mediaDevices) {
    cover("No camera here", "Browsers give a camera only to pages on this computer or with TLS. See docs/live.md.", "");
    return;
  }
  stopCamera();
  const [width, height] = field("size").value.split("x").map(Number);
  const device = field("camera").value;
  /** @type {MediaTrackConstraints} */
  const video = { width: { ideal: width }, height: { ideal: height }, frameRate: { ideal: 30 } };
  if (device) video.deviceId = { exact: device };
  /** @type {MediaStreamTrack} */
  let started;
  try {
    const media = await navigator.mediaDevices.getUserMedia({ video });
    [started] = media.getVideoTracks();
    track = started;
    preview().srcObject = media;
    await preview().play();
  } catch (error) {
    const { name, message } = /** @type {Error} */ (error);
    const [title, text] = TROUBLES[name] ?? ["The camera does not start", message];
    cover(title, text);
    return;
  }
  localStorage.setItem(STORED, JSON.stringify({ device: started.getSettings().deviceId, size: field("size").value, on: true }));
  started.addEventListener("ended", () => {
    stopCamera();
    cover("The camera is gone", "It goes on by itself once it is back.");
  });
  $("cover").hidden = true;
  $("self").hidden = false;
  listCameras();
  const Processor = /** @type {any} */ (globalThis).MediaStreamTrackProcessor; // not in every browser
  if (Processor) {
    const { readable } = new Processor({ track: started.clone(), maxBufferSize: 1 });
    worker.postMessage({ type: "camera", stream: readable }, [readable]);
  } else {
    worker.postMessage({ type: "camera", stream: null });
  }
}

export function stopCamera() {
  worker.postMessage({ type: "release" });
  const media = /** @type {MediaStream | null} */ (preview().srcObject);
  media?.getTracks().forEach((each) => each.stop());
  preview().srcObject = null;
  $("self").hidden = true;
  track = null;
}

export async function grab() {
  if (preview().readyState < 2) return;
  const bitmap = await createImageBitmap(preview());
  worker.postMessage({ type: "frame", bitmap }, [bitmap]);
}

export async function listCameras() {
  const chosen = track?.getSettings().deviceId ?? field("camera").value;
  const found = (await navigator.mediaDevices.enumerateDevices()).filter((each) => each.kind === "videoinput");
  $("camera").replaceChildren(
    ...found.map((each, index) => new Option(each.label || `Camera ${index + 1}`, each.deviceId, false, each.deviceId === chosen)),
  );
  if (!found.length) $("camera").append(new Option("No camera", ""));
}

export const isRunning = () => track !== null;
