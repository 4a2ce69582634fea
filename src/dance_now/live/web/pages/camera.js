// The camera: chosen, started, and its frames handed to worker.js.

import { $, cover, worker } from "./page.js";

const STORED = "dance_now live camera";
let track = null;

const TROUBLES = {
  NotAllowedError: ["The camera is blocked", "Click the camera or lock icon beside the address, allow the camera, then try again."],
  NotFoundError: ["No camera found", "Plug one in, then try again. Or start dance-now live --camera with a number or a video file."],
  NotReadableError: ["The camera is busy", "Another program uses it. Close that program, then try again."],
  OverconstrainedError: ["The camera lacks this resolution", "Choose another resolution, then try again."],
};

export function remembered() {
  try {
    return JSON.parse(localStorage.getItem(STORED)) ?? {};
  } catch {
    return {};
  }
}

export async function startCamera() {
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

export function stopCamera() {
  worker.postMessage({ type: "release" });
  $("video").srcObject?.getTracks().forEach((each) => each.stop());
  $("video").srcObject = null;
  $("self").hidden = true;
  track = null;
}

export async function grab() {
  if ($("video").readyState < 2) return;
  const bitmap = await createImageBitmap($("video"));
  worker.postMessage({ type: "frame", bitmap }, [bitmap]);
}

export async function listCameras() {
  const chosen = track?.getSettings().deviceId ?? $("camera").value;
  const found = (await navigator.mediaDevices.enumerateDevices()).filter((each) => each.kind === "videoinput");
  $("camera").replaceChildren(
    ...found.map((each, index) => new Option(each.label || `Camera ${index + 1}`, each.deviceId, false, each.deviceId === chosen)),
  );
  if (!found.length) $("camera").append(new Option("No camera", ""));
}

export const isRunning = () => track !== null;
