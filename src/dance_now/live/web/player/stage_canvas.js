/** The canvas: shows pictures over nothing or over a color, and is saved as a picture or a video. */

/** @typedef {import("./character/surface_drawing.js").Picture} Picture */

const RATE = 30; // of recordings
const VIDEO_TYPES = ["video/webm;codecs=vp8", "video/webm;codecs=vp9", "video/webm"];

export class StageCanvas {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this._canvas = canvas;
    this._pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    this._layer = new OffscreenCanvas(1, 1);
    /** @type {string | null} */
    this.color = null;
    /** @type {MediaRecorder | null} */
    this._recorder = null;
  }

  /**
   * @param {Picture | null} picture
   * @param {number} side of the square that it is a part of
   */
  show(picture, side) {
    const canvas = this._canvas;
    if (canvas.width !== side) canvas.width = canvas.height = side;
    this._pen.clearRect(0, 0, side, side);
    const image = picture && new ImageData(picture.pixels, picture.width, picture.height);
    if (!this.color) {
      if (image && picture) this._pen.putImageData(image, picture.left, picture.top);
      return;
    }
    this._pen.fillStyle = this.color;
    this._pen.fillRect(0, 0, side, side);
    if (!image || !picture) return;
    // By way of a layer, since putImageData replaces what is there.
    this._layer.width = picture.width;
    this._layer.height = picture.height;
    this._layer.getContext("2d")?.putImageData(image, 0, 0);
    this._pen.drawImage(this._layer, picture.left, picture.top);
  }

  /** @returns {Promise<Blob | null>} PNG */
  picture() {
    return new Promise((done) => this._canvas.toBlob(done, "image/png"));
  }

  /**
   * Begins to record.
   * @param {(video: Blob) => void} done called with the video when it ends
   * @returns {boolean} false where this browser records no WebM
   */
  record(done) {
    const type = globalThis.MediaRecorder && VIDEO_TYPES.find((each) => MediaRecorder.isTypeSupported(each));
    if (!type) return false;
    const stream = this._canvas.captureStream(RATE);
    const recorder = new MediaRecorder(stream, { mimeType: type, videoBitsPerSecond: 8e6 });
    /** @type {Blob[]} */
    const parts = [];
    recorder.addEventListener("dataavailable", ({ data }) => parts.push(data));
    recorder.addEventListener("stop", () => {
      stream.getTracks().forEach((track) => track.stop());
      done(new Blob(parts, { type: "video/webm" }));
    });
    recorder.start();
    this._recorder = recorder;
    return true;
  }

  /** Ends a recording. */
  stop() {
    this._recorder?.stop();
    this._recorder = null;
  }
}
