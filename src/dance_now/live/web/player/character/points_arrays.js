/** The arrays of the `points` template; checked as character/templates/points_arrays.py does. */
import { checkArray, checkNames } from "./array_limits.js";
import { require } from "./player_error.js";
import { singles } from "./safetensors_file.js";

/** @typedef {import("./safetensors_file.js").NamedArray} NamedArray */
/** @typedef {import("./array_limits.js").Limit} Limit */

const GIVEN_CHANNELS = 9;
export const SHARP_CHANNELS = 16;
const INFLUENCES = 8;
const POSE_FEATURES = 22;
const WEIGHT_SUM = 1.01;

/** @type {Record<string, [number, number]>} */
const COUNTS = {
  N: [1, 200_000],
  M: [0, 200_000],
  S: [0, 128],
  E: [0, 128],
  K: [0, 128],
  F: [1, 64],
  P: [0, 200_000],
  W: [1, 64],
};

/** @type {Record<string, Limit>} */
const LIMITS = {
  positions: ["F32", ["N", 3], -100, 100],
  tangents: ["F16", ["N", 2, 3], -10, 10],
  bones: ["U8", ["N", INFLUENCES], 0, 46],
  weights: ["F16", ["N", INFLUENCES], 0, 1],
  two_sided: ["U8", ["N"], 0, 1],
  colors: ["F16", ["N", 3]],
  shades: ["F16", ["N", 3]],
  features: ["F16", ["N", "F"]],
  opacities: ["F16", ["N"]],
  light: ["F32", [4], -1e3, 1e3],
  shapes: ["F16", ["S", "M", 3, 3], -10, 10],
  face_solve: ["F16", ["E", 70, 3]],
  pose_basis: ["F32", [POSE_FEATURES, "K"], -1e4, 1e4],
  softness: ["F32", [1], 1e-4, 10],
  inner: ["F32", [1], 0.01, 1],
  smoothing: ["F32", [3], 0, 1],
  pyramid: ["U8", ["P", 85, 4]],
  relief: ["U8", ["P", 8, 8]],
};

/**
 * Convolutions of the decoder: name, kernel, channels in and out in widths; 0 in: those of a pixel of the map,
 * 0 out: SHARP_CHANNELS.
 * @type {[name: string, kernel: number, inputs: number, outputs: number][]}
 */
export const DECODER = [
  ["narrow", 1, 0, 1],
  ["down0", 3, 1, 1],
  ["down1", 3, 1, 2],
  ["down2", 3, 2, 3],
  ["down3", 3, 3, 4],
  ["middle0_first", 3, 4, 4],
  ["middle0_second", 3, 4, 4],
  ["middle1_first", 3, 4, 4],
  ["middle1_second", 3, 4, 4],
  ["up2_narrow", 1, 4, 3],
  ["up2", 3, 3, 3],
  ["up1_narrow", 1, 3, 2],
  ["up1", 3, 2, 2],
  ["up0_narrow", 1, 2, 1],
  ["up0", 3, 1, 1],
  ["out", 3, 1, 0],
];

/**
 * The checked arrays of a points network.
 * @typedef {object} PointsArrays
 * @property {Record<string, NamedArray>} named
 * @property {Record<string, number>} counts
 * @property {number} inputs channels of a pixel of the map
 */

/**
 * @param {Map<string, NamedArray>} arrays
 * @returns {PointsArrays}
 */
export function checkPoints(arrays) {
  const parts = DECODER.flatMap(([name]) => [`decoder.${name}.weight`, `decoder.${name}.bias`]);
  checkNames(arrays, [...Object.keys(LIMITS), ...parts]);
  /** @type {Record<string, number>} */
  const counts = {};
  for (const [name, limit] of Object.entries(LIMITS)) checkArray(name, arrays.get(name), limit, counts, COUNTS);
  require(counts.M <= counts.N, "shapes: they move more points than there are");
  const solved = counts.S === counts.E + counts.K;
  require(solved, "shapes: one is needed for each row of face_solve and column of pose_basis");
  require(counts.P === 0 || counts.P === counts.N, "pyramid: every point has a patch, or none has");
  const named = Object.fromEntries(arrays);
  checkWeights(singles(named.weights));
  require(Math.max(...[...named.light.data.slice(0, 3)].map(Math.abs)) > 1e-3, "light: it has no direction");
  const inputs = GIVEN_CHANNELS + counts.F + 2 + SHARP_CHANNELS;
  checkDecoder(arrays, inputs, counts);
  return { named, counts, inputs };
}

/** @param {Float32Array} weights */
function checkWeights(weights) {
  for (let row = 0; row < weights.length; row += INFLUENCES) {
    let total = weights[row];
    for (let i = 1; i < INFLUENCES; i++) {
      require(!(weights[row + i] > 0 && weights[row + i - 1] <= 0), "weights: those in use should come first");
      total += weights[row + i];
    }
    require(total <= WEIGHT_SUM, "weights: they should sum to 1 at most");
  }
}

/**
 * @param {Map<string, NamedArray>} arrays
 * @param {number} given channels of a pixel of the map
 * @param {Record<string, number>} counts
 */
function checkDecoder(arrays, given, counts) {
  const bias = arrays.get("decoder.narrow.bias");
  checkArray("decoder.narrow.bias", bias, ["F32", ["W"]], counts, COUNTS);
  for (const [name, kernel, inputs, outputs] of DECODER) {
    const [into, out] = [inputs * counts.W || given, outputs * counts.W || SHARP_CHANNELS];
    const type = name === "narrow" ? "F32" : "F16";
    const weight = `decoder.${name}.weight`;
    checkArray(weight, arrays.get(weight), [type, [out, into, kernel, kernel]], counts, COUNTS);
    checkArray(`decoder.${name}.bias`, arrays.get(`decoder.${name}.bias`), ["F32", [out]], counts, COUNTS);
  }
}
