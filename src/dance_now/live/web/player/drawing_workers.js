/**
 * The workers that open and draw: one, and a second that takes turns with it at a network's pictures.
 *
 * A network's picture depends on its moment alone, so that two workers draw twice as many. Hair and skirts of
 * surfaces swing from picture to picture; one worker draws those.
 */

/** @typedef {import("./worker.js").Request} Request */
/** @typedef {import("./worker.js").Answer} Answer */

const SMOOTHING = 0.2; // weight of the last picture in how long one takes

export class DrawingWorkers {
  /**
   * @param {(said: Answer) => void} heard called with what is opened, drawn, in the order of time, or fails
   * @param {() => void} failed called when a worker cannot run
   */
  constructor(heard, failed) {
    this._heard = heard;
    this._failed = failed;
    /** @type {Request[]} */
    this._opening = [];
    /** What another worker has to open to draw the same. @type {Map<string, Request>} */
    this._opened = new Map();
    /** @type {Map<Worker, number>} */
    this._drawing = new Map();
    this._asked = 0;
    this._shown = 0;
    this._milliseconds = 0;
    this._workers = [this._start()];
  }

  /** Least time from one picture to the next, milliseconds, so that workers do not draw the same moment. */
  get spacing() {
    return this._workers.length > 1 ? this._milliseconds / this._workers.length : 0;
  }

  /** Whether a worker waits for a moment to draw. */
  get isFree() {
    return this._drawing.size < this._workers.length;
  }

  /** @param {Request} request for a character or a motion */
  open(request) {
    this._opening.push(request);
    this._workers[0].postMessage(request);
  }

  /** @param {Request} request to turn the camera */
  turn(request) {
    this._opened.set("turn", request);
    for (const worker of this._workers) worker.postMessage(request);
  }

  /** @param {Request} request for a picture, when a worker is free */
  draw(request) {
    const worker = this._workers.find((each) => !this._drawing.has(each));
    if (!worker) return;
    this._drawing.set(worker, ++this._asked);
    worker.postMessage(request);
  }

  _start() {
    const worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
    worker.addEventListener("message", ({ data }) => this._answered(worker, data));
    worker.addEventListener("error", () => this._failed());
    return worker;
  }

  /**
   * @param {Worker} worker
   * @param {Answer} said
   */
  _answered(worker, said) {
    const ofDrawing = said.type === "picture" || said.of === "draw";
    if (ofDrawing) {
      const number = this._drawing.get(worker) ?? 0;
      this._drawing.delete(worker);
      if (said.milliseconds) this._milliseconds += SMOOTHING * (said.milliseconds - this._milliseconds);
      if (number < this._shown) return; // a later moment is shown already
      this._shown = number;
    } else if (worker === this._workers[0]) {
      this._keep(said);
    } else {
      return; // the first has said so
    }
    this._heard(said);
  }

  /** @param {Answer} said of the first worker about what it was to open */
  _keep({ type, template }) {
    const request = this._opening.shift();
    if (!request || type === "failed") return;
    this._opened.set(type, request);
    if (type === "character") this._share(template === "points" && navigator.hardwareConcurrency > 1);
    else this._workers[1]?.postMessage(request);
  }

  /** @param {boolean} wanted whether the second worker shall draw as well */
  _share(wanted) {
    const [first, second] = this._workers;
    if (!wanted) {
      second?.terminate();
      this._drawing.delete(second);
      this._workers = [first];
      return;
    }
    const other = second ?? this._start();
    const missing = second ? ["character"] : ["turn", "motion", "character"];
    for (const type of missing) {
      const request = this._opened.get(type);
      if (request) other.postMessage(request);
    }
    this._workers = [first, other];
  }
}
