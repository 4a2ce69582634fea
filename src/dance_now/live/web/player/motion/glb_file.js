/** The GLB container of glTF 2.0 (.glb, .vrma): document and accessors, with every size checked before use. */
import { PlayerError, require } from "../character/player_error.js";

const MAGIC = 0x46546c67; // glTF
const JSON_CHUNK = 0x4e4f534a;
const BINARY_CHUNK = 0x004e4942;
const MOST_ELEMENTS = 4_000_000; // of one accessor
/** @type {Record<number, [bytes: number, read: (view: DataView, at: number) => number, largest: number]>} */
const COMPONENTS = {
  5120: [1, (view, at) => view.getInt8(at), 127],
  5121: [1, (view, at) => view.getUint8(at), 255],
  5122: [2, (view, at) => view.getInt16(at, true), 32767],
  5123: [2, (view, at) => view.getUint16(at, true), 65535],
  5125: [4, (view, at) => view.getUint32(at, true), 4294967295],
  5126: [4, (view, at) => view.getFloat32(at, true), 1],
};
/** @type {Record<string, number>} */
const WIDTHS = { SCALAR: 1, VEC2: 2, VEC3: 3, VEC4: 4, MAT4: 16 };

export class GlbFile {
  /** @param {Uint8Array} data */
  constructor(data) {
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    require(data.length >= 20 && view.getUint32(0, true) === MAGIC, "it has no GLB header (export as binary GLB)");
    require(view.getUint32(4, true) === 2, `it is of glTF version ${view.getUint32(4, true)}, expected 2`);
    const length = view.getUint32(8, true);
    require(length <= data.length, "it is truncated");
    /** @type {Record<number, Uint8Array>} */
    const chunks = {};
    for (let at = 12; at + 8 <= length; ) {
      const [size, kind] = [view.getUint32(at, true), view.getUint32(at + 4, true)];
      require(at + 8 + size <= length, "it is truncated");
      chunks[kind] ??= data.subarray(at + 8, at + 8 + size);
      at += 8 + size + (-size & 3);
    }
    require(chunks[JSON_CHUNK], "it has no JSON chunk");
    this.document = parsed(chunks[JSON_CHUNK]);
    this._binary = chunks[BINARY_CHUNK] ?? new Uint8Array(0);
    const needed = this.document.extensionsRequired ?? [];
    const unknown = needed.filter((/** @type {unknown} */ name) => /draco|meshopt/i.test(String(name)));
    require(!unknown.length, `it needs ${unknown.join(", ")}: export it again without compression`);
  }

  /**
   * A top-level list of the document.
   * @param {string} key
   * @returns {any[]}
   */
  items(key) {
    const found = this.document[key] ?? [];
    require(Array.isArray(found), `its ${key} are malformed`);
    return found;
  }

  /**
   * Decodes an accessor; normalised integers as fractions. Sparse ones are not read: no motion has them.
   * @param {unknown} index
   * @returns {{values: Float64Array, width: number, count: number}}
   */
  accessor(index) {
    const entry = this._entry("accessors", index);
    const component = COMPONENTS[entry.componentType];
    const width = WIDTHS[entry.type];
    const { count, byteOffset: offset = 0 } = entry;
    require(component && width && Number.isInteger(count), "an accessor is malformed");
    require(count > 0 && count <= MOST_ELEMENTS, `an accessor has ${count} elements`);
    require(entry.sparse === undefined && entry.bufferView !== undefined, "its accessors are sparse");
    const [size, read, largest] = component;
    const part = this._entry("bufferViews", entry.bufferView);
    const start = part.byteOffset ?? 0;
    const stride = part.byteStride || size * width;
    const end = start + part.byteLength;
    const inside = part.byteLength >= 0 && start >= 0 && end <= this._binary.length;
    const fits = offset >= 0 && stride >= size * width && offset + stride * (count - 1) + size * width <= part.byteLength;
    require(inside && fits, "it is truncated (an accessor exceeds its buffer)");
    const view = new DataView(this._binary.buffer, this._binary.byteOffset, this._binary.byteLength);
    const values = new Float64Array(count * width);
    for (let at = 0; at < values.length; at++) {
      const place = start + offset + stride * ((at / width) | 0) + size * (at % width);
      const value = read(view, place);
      values[at] = entry.normalized ? Math.max(Math.fround(value / largest), -1) : value;
      require(Number.isFinite(value), "it holds values that are not finite");
    }
    return { values, width, count };
  }

  /**
   * @param {string} key
   * @param {unknown} index
   * @returns {any}
   */
  _entry(key, index) {
    const items = this.items(key);
    const found = typeof index === "number" && Number.isInteger(index) && items[index];
    require(found, `it refers to ${key}[${index}] and has ${items.length}`);
    return found;
  }
}

/**
 * @param {Uint8Array} text
 * @returns {Record<string, any>}
 */
function parsed(text) {
  try {
    const document = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(text));
    if (typeof document === "object" && document !== null && !Array.isArray(document)) return document;
  } catch {
    // told below
  }
  throw new PlayerError("its JSON chunk cannot be read");
}
