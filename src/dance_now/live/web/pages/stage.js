// Draws frames of the server (live_protocol.py) on a canvas, in a page or a worker.

const VERSION = 1;
const HEADER_BYTES = 24;
const RAW = 0;

/** @param {string} path */
export function socketAddress(path) {
  return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${path}`;
}

export class Stage {
  /** @param {HTMLCanvasElement | OffscreenCanvas} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  }

  /**
   * Draws one message; resolves to the frame's number and the seconds it spent in the server.
   * @param {ArrayBuffer} message
   */
  async draw(message) {
    const header = new DataView(message, 0, HEADER_BYTES);
    if (header.getUint8(0) !== VERSION) throw new Error("This page and dance-now are of different versions.");
    const [width, height, left, top, partWidth, partHeight] = [12, 14, 16, 18, 20, 22].map((at) => header.getUint16(at, true));
    const bitmap = header.getUint8(1) === RAW ? null : await createImageBitmap(new Blob([new Uint8Array(message, HEADER_BYTES)], { type: "image/jpeg" }));
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
    }
    if (!bitmap) {
      this.pen.clearRect(0, 0, width, height);
      if (partWidth && partHeight) {
        const pixels = new Uint8ClampedArray(message, HEADER_BYTES);
        this.pen.putImageData(new ImageData(pixels, partWidth, partHeight), left, top);
      }
    } else {
      this.pen.drawImage(bitmap, 0, 0);
      bitmap.close();
    }
    return { number: header.getUint32(4, true), seconds: header.getFloat32(8, true) };
  }
}
