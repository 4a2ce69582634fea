/** Named arrays as safetensors (huggingface/safetensors, README "Format"), nothing taken on trust. */
import { PlayerError, require } from "./player_error.js";

const HEADER_LIMIT = 1 << 18;
const MOST_ARRAYS = 1024;
const MOST_DIMENSIONS = 8;
const LARGEST_NUMBER = 2 ** 40;
const TYPES = {
  F32: Float32Array,
  F16: Uint16Array, // bits; see singles()
  I32: Int32Array,
  U32: Uint32Array,
  U16: Uint16Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
};

/** @typedef {keyof typeof TYPES} ArrayType */
/** @typedef {Float32Array | Int32Array | Uint32Array | Uint16Array | Uint8Array} Numbers */

/**
 * @typedef {object} NamedArray
 * @property {ArrayType} type
 * @property {number[]} shape
 * @property {Numbers} data the numbers, row by row; of F16 their bits
 */

/**
 * The arrays of a safetensors file; they have to lie end to end in the bytes that are there.
 * @param {Uint8Array} file
 * @returns {Map<string, NamedArray>}
 */
export function readArrays(file) {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const length = file.length < 8 ? Infinity : Number(view.getBigUint64(0, true));
  require(length <= Math.min(HEADER_LIMIT, file.length - 8), "the header is cut off, or longer than any is");
  const begin = 8 + length;
  const entries = Object.entries(readHeader(file.subarray(8, begin))).filter(([name]) => name !== "__metadata__");
  require(entries.length <= MOST_ARRAYS, `${entries.length} arrays are more than any file has`);
  const placed = entries.map(([name, value]) => readEntry(name, value));
  placed.sort((a, b) => a.first - b.first || a.last - b.last);
  /** @type {Map<string, NamedArray>} */
  const arrays = new Map();
  let place = 0;
  for (const { name, type, shape, first, last } of placed) {
    const Kind = TYPES[type];
    const count = shape.reduce((product, side) => product * side, 1);
    const fits = first === place && last - first === count * Kind.BYTES_PER_ELEMENT && begin + last <= file.length;
    require(fits, `${name}: its bytes are not where the header says`);
    arrays.set(name, { type, shape, data: new Kind(file.slice(begin + first, begin + last).buffer) });
    place = last;
  }
  require(begin + place === file.length, "there are bytes that belong to no array");
  return arrays;
}

/**
 * @param {Uint8Array} text
 * @returns {Record<string, unknown>}
 */
function readHeader(text) {
  try {
    const header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(text));
    if (header !== null && typeof header === "object" && !Array.isArray(header)) return header;
  } catch {
    // told below
  }
  throw new PlayerError("the header is malformed");
}

/**
 * @param {string} name
 * @param {unknown} value
 */
function readEntry(name, value) {
  const known = name.slice(0, 80);
  const { dtype, shape, data_offsets: offsets } = /** @type {Record<string, any>} */ (value ?? {});
  require(typeof dtype === "string" && Object.hasOwn(TYPES, dtype), `${known}: its type is not read`);
  require(Array.isArray(shape) && Array.isArray(offsets) && offsets.length === 2, `${known}: the header is malformed`);
  require(shape.length <= MOST_DIMENSIONS, `${known} has ${shape.length} dimensions`);
  const whole = [...shape, ...offsets].every(
    (number) => Number.isInteger(number) && number >= 0 && number < LARGEST_NUMBER,
  );
  require(whole, `${known}: sizes should be whole numbers`);
  return { name, type: /** @type {ArrayType} */ (dtype), shape, first: offsets[0], last: offsets[1] };
}

/** @type {Float32Array | undefined} */
let halves;

/** Single of each half's bits (IEEE 754). */
function halfTable() {
  if (halves) return halves;
  halves = new Float32Array(1 << 16);
  for (let bits = 0; bits < 1 << 16; bits++) {
    const exponent = (bits >> 10) & 31;
    const part = bits & 1023;
    const size = exponent === 0 ? part * 2 ** -24 : (1024 + part) * 2 ** (exponent - 25);
    const value = exponent === 31 ? (part ? NaN : Infinity) : size;
    halves[bits] = bits >> 15 ? -value : value;
  }
  return halves;
}

/**
 * An array's numbers as singles.
 * @param {NamedArray} array
 * @returns {Float32Array}
 */
export function singles(array) {
  if (array.type !== "F16") return Float32Array.from(array.data);
  const table = halfTable();
  const values = new Float32Array(array.data.length);
  for (let i = 0; i < values.length; i++) values[i] = table[array.data[i]];
  return values;
}
