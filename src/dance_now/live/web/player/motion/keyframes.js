/** Keyframe interpolation: step, linear, spherical linear and cubic spline (glTF 2.0, appendix C). */
import { PlayerError } from "../character/player_error.js";

export const KINDS = ["STEP", "LINEAR", "CUBICSPLINE"];

/** @typedef {{times: Float64Array, values: Float64Array, width: number, kind: string}} Keyframes */

/**
 * The values at a time, clamped to the first and last key.
 * @param {Keyframes} keys
 * @param {number} time seconds
 * @returns {number[]}
 */
export function sample(keys, time) {
  const { first, second, share } = interval(keys, time);
  const row = (/** @type {number} */ number) => keys.values.subarray(number * keys.width, (number + 1) * keys.width);
  if (keys.kind !== "CUBICSPLINE") {
    const [low, high] = [row(first), row(second)];
    return Array.from(low, (value, at) => value + (high[at] - value) * share);
  }
  const seconds = keys.times[second] - keys.times[first];
  const [square, cube] = [share * share, share * share * share];
  const [before, out] = [row(3 * first + 1), row(3 * first + 2)];
  const [into, after] = [row(3 * second), row(3 * second + 1)];
  return Array.from(
    before,
    (value, at) =>
      (2 * cube - 3 * square + 1) * value +
      seconds * (cube - 2 * square + share) * out[at] +
      (3 * square - 2 * cube) * after[at] +
      seconds * (cube - square) * into[at],
  );
}

/**
 * A unit quaternion x, y, z, w at a time; linear keys by slerp.
 * @param {Keyframes} keys
 * @param {number} time seconds
 */
export function sampleRotation(keys, time) {
  if (keys.kind === "CUBICSPLINE") return unitQuaternion(sample(keys, time));
  const { first, second, share } = interval(keys, time);
  const [low, high] = [first, second].map((row) => unitQuaternion([...keys.values.subarray(4 * row, 4 * row + 4)]));
  const cosine = low.reduce((sum, value, at) => sum + value * high[at], 0);
  const angle = Math.acos(Math.min(Math.abs(cosine), 1));
  const sine = Math.sin(angle);
  const near = sine < 1e-6;
  const start = near ? 1 - share : Math.sin((1 - share) * angle) / sine;
  const end = (near ? share : Math.sin(share * angle) / sine) * (cosine < 0 ? -1 : 1); // the shorter arc
  return unitQuaternion(low.map((value, at) => value * start + high[at] * end));
}

/** @param {number[]} values */
export function unitQuaternion(values) {
  const length = Math.hypot(...values);
  if (!(length > 1e-9)) throw new PlayerError("a rotation has no length");
  return values.map((value) => value / length);
}

/**
 * Rows of the keys before and after a time, and the fraction between them.
 * @param {Keyframes} keys
 * @param {number} time
 */
function interval({ times, kind }, time) {
  let [low, high] = [0, times.length]; // the first key after the time
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] <= time) low = middle + 1;
    else high = middle;
  }
  const first = Math.max(low - 1, 0);
  const second = Math.min(first + 1, times.length - 1);
  const seconds = second > first ? times[second] - times[first] : 1;
  const share = Math.min(Math.max((time - times[first]) / seconds, 0), 1);
  return { first, second, share: kind === "STEP" ? 0 : share };
}
