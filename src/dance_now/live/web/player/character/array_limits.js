/** What a template's arrays have to be: type, shape and range, as in the tables of docs/file-format.md. */
import { require } from "./player_error.js";
import { singles } from "./safetensors_file.js";

/** @typedef {import("./safetensors_file.js").NamedArray} NamedArray */
/** @typedef {import("./safetensors_file.js").ArrayType} ArrayType */

/**
 * Type, shape (letters stand for counts that arrays share), and the range of values.
 * @typedef {[type: ArrayType, shape: (number | string)[], lowest?: number, highest?: number]} Limit
 */

/**
 * Counts of a file, filled in as its arrays are checked.
 * @typedef {Record<string, number>} Counts
 */

/**
 * @param {string} name
 * @param {NamedArray | undefined} array
 * @param {Limit} limit
 * @param {Counts} counts
 * @param {Record<string, [least: number, most: number]>} ranges of counts
 * @returns {asserts array is NamedArray}
 */
export function checkArray(name, array, [type, shape, lowest = -Infinity, highest = Infinity], counts, ranges) {
  require(array, `${name} is missing`);
  const alike = array.type === type && array.shape.length === shape.length;
  require(alike, `${name}: should be ${type} of ${shape.length} dimensions`);
  shape.forEach((wanted, place) => {
    const found = array.shape[place];
    if (typeof wanted === "string") {
      const [least, most] = ranges[wanted];
      require(least <= found && found <= most, `${name}: ${found} is out of range, at most ${most} are drawn`);
      counts[wanted] ??= found;
      wanted = counts[wanted];
    }
    require(found === wanted, `${name}: its shape is ${array.shape}, ${found} should be ${wanted}`);
  });
  const values = type === "F16" ? singles(array) : array.data;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (value >= lowest && value <= highest && Number.isFinite(value)) continue;
    require(false, `${name}: ${Number.isFinite(value) ? `${value} is out of range` : "a number is not finite"}`);
  }
}

/**
 * Refuses a file with an array that its template does not know.
 * @param {Map<string, NamedArray>} arrays
 * @param {string[]} known
 */
export function checkNames(arrays, known) {
  const odd = [...arrays.keys()].find((name) => !known.includes(name));
  require(odd === undefined, `${odd?.slice(0, 80)} is an array too many`);
}
