// Worker of the control page: sends the camera's frames and draws what comes back.
// Browsers slow down timers and animation frames of hidden pages, but not of workers.
import { Stage, socketAddress } from "/shared/stage.js";

const RETRY_MS = [500, 1000, 2000, 5000];
const JPEG_QUALITY = 0.85;

/** @type {Stage | null} */
let stage = null;
/** @type {WebSocket | null} */
let socket = null;
let failures = 0;
/** @type {Promise<void>} */
let drawing = Promise.resolve();
let ratio = 0;

let credits = 0;
let number = 0;
let limit = 30;
let due = 0;
let encoding = false;
let wanted = false; // whether this page's camera is on
/** One that was not sent yet. @type {VideoFrame | ImageBitmap | null} */
let newest = null;
/** @type {ReadableStreamDefaultReader<VideoFrame> | null} */
let reader = null;
let timer = 0;
/** Frame's number -> time. @type {Map<number, number>} */
const sentAt = new Map();
const grabCanvas = new OffscreenCanvas(1, 1);

function connect() {
  const opened = new WebSocket(socketAddress("/control"));
  socket = opened;
  opened.binaryType = "arraybuffer";
  opened.addEventListener("open", () => {
    failures = 0;
    postMessage({ type: "link", open: true });
    if (wanted) opened.send("capture");
  });
  opened.addEventListener("message", ({ data }) => {
    if (typeof data !== "string") {
      drawing = drawing.then(() => draw(data)).catch((error) => console.warn(error));
      return;
    }
    const message = JSON.parse(data);
    if (message.type === "credit") {
      credits += message.count;
      pump();
      return;
    }
    if (message.type === "state") limit = message.settings.frame_rate_limit;
    postMessage({ type: "message", message });
  });
  opened.addEventListener("close", () => {
    credits = 0;
    sentAt.clear();
    postMessage({ type: "link", open: false, failures });
    setTimeout(connect, RETRY_MS[Math.min(failures++, RETRY_MS.length - 1)]);
  });
}

/** @param {string | Uint8Array<ArrayBuffer>} message */
function say(message) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(message);
}

/** @param {ArrayBuffer} data */
async function draw(data) {
  if (!stage) return;
  const frame = await stage.draw(data);
  say("shown");
  const { width, height } = stage.canvas;
  if (width / height !== ratio) {
    ratio = width / height;
    postMessage({ type: "ratio", ratio });
  }
  const sent = sentAt.get(frame.number);
  for (const key of sentAt.keys()) if (key <= frame.number) sentAt.delete(key);
  if (sent !== undefined) postMessage({ type: "latency", ms: performance.now() - sent });
}

/** @param {VideoFrame | ImageBitmap} frame */
function offer(frame) {
  newest?.close();
  newest = frame;
  pump();
}

// Sends the newest frame if there is a credit and it is time.
async function pump() {
  if (encoding || !newest || credits < 1 || socket?.readyState !== WebSocket.OPEN) return;
  const now = performance.now();
  if (now < due) {
    clearTimeout(timer);
    timer = setTimeout(pump, due - now);
    return;
  }
  due = Math.max(due, now - 1000 / limit) + 1000 / limit;
  encoding = true;
  credits -= 1;
  const frame = newest;
  newest = null;
  const taken = performance.now();
  try {
    grabCanvas.width = "displayWidth" in frame ? frame.displayWidth : frame.width;
    grabCanvas.height = "displayHeight" in frame ? frame.displayHeight : frame.height;
    grabCanvas.getContext("2d")?.drawImage(frame, 0, 0);
    const jpeg = await (await grabCanvas.convertToBlob({ type: "image/jpeg", quality: JPEG_QUALITY })).arrayBuffer();
    const message = new Uint8Array(4 + jpeg.byteLength);
    number = (number + 1) >>> 0;
    new DataView(message.buffer).setUint32(0, number, true);
    message.set(new Uint8Array(jpeg), 4);
    sentAt.set(number, taken);
    say(message);
  } finally {
    frame.close();
    encoding = false;
  }
  pump();
}

/**
 * Reads a camera's frames where the browser hands them out as a stream.
 * @param {ReadableStream<VideoFrame>} stream
 */
async function readStream(stream) {
  const own = stream.getReader();
  reader = own;
  while (wanted && reader === own) {
    const { done, value } = await own.read();
    if (done) break;
    if (wanted && reader === own) offer(value);
    else value.close();
  }
  own.cancel().catch(() => {});
}

// Elsewhere the page copies its video element, when this worker's clock says so.
function askForFrames() {
  if (!wanted || reader) return;
  if (credits > 0 && !newest) postMessage({ type: "grab" });
  setTimeout(askForFrames, 1000 / limit);
}

function release() {
  wanted = false;
  reader = null;
  newest?.close();
  newest = null;
}

/** What the page sends, by its type. @type {Record<string, (data: any) => void>} */
const HANDLERS = {
  start({ canvas }) {
    stage = new Stage(canvas);
    connect();
  },
  camera({ stream }) {
    const running = wanted;
    wanted = true;
    reader = null;
    if (!running) {
      credits = 0;
      say("capture");
    }
    if (stream) readStream(stream).catch((error) => console.warn(error));
    else askForFrames();
  },
  frame({ bitmap }) {
    if (wanted) offer(bitmap);
    else bitmap.close();
  },
  release,
  command({ message }) {
    say(JSON.stringify(message));
  },
};

addEventListener("message", ({ data }) => HANDLERS[data.type](data));
