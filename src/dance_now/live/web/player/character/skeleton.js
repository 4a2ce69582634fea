/** A character's body: rest positions of its keypoints, and what follows from them (pose/model/skeleton.py). */
import { length, minus, vectorAt } from "../motion/vectors.js";
import { require } from "./player_error.js";

export const POINTS = 137;
export const FACE_START = 25;
export const FACE_POINTS = 70;
const MOST_EXPRESSIONS = 64;
const STEEPEST = 60; // degrees
const USUAL_PITCHES = [-15, 20];

/** Pairs of keypoints whose distance no pose changes: they give the scale of a pose. */
export const RIGID_SEGMENTS = [
  [9, 12],
  [2, 5],
  [2, 3],
  [3, 4],
  [5, 6],
  [6, 7],
  [9, 10],
  [10, 11],
  [12, 13],
  [13, 14],
];

/**
 * @typedef {object} Skeleton
 * @property {Float32Array} rest (137, 3) metres, character frame
 * @property {boolean[]} known (137) which of them the character has
 * @property {Float32Array} pivots (4, 3) spine, chest, neck, head
 * @property {Float32Array} bounds (2, 3) lowest and highest corner of the figure at rest
 * @property {[number, number]} pitches degrees by which cameras may look up (negative) and down
 * @property {Record<string, Float32Array>} expressions (70, 3) move of the face points by each expression
 * @property {number} height metres
 * @property {number} rigidLength of all rigid segments together, metres
 */

/**
 * @param {any} data of a card
 * @returns {Skeleton}
 */
export function readSkeleton(data) {
  const rest = numbers(data?.rest, [POINTS, 3], "rest");
  const known = [...numbers(data.known, [POINTS], "known")].map((value) => value > 0);
  const pivots = numbers(data.pivots, [4, 3], "pivots");
  const bounds = numbers(data.bounds, [2, 3], "bounds");
  const moves = Object.entries(data.expressions ?? {});
  require(moves.length <= MOST_EXPRESSIONS, `skeleton: more than ${MOST_EXPRESSIONS} expressions`);
  const expressions = Object.fromEntries(
    moves.map(([name, move]) => [name, numbers(move, [FACE_POINTS, 3], "an expression")]),
  );
  const [lowest, highest] = data.pitches ?? USUAL_PITCHES;
  const around = -STEEPEST < lowest && lowest <= 0 && 0 <= highest && highest < STEEPEST;
  require(around, "skeleton: pitches should be around 0 degrees");
  const height = Math.fround(bounds[4] - bounds[1]);
  const lengths = segmentLengths(rest);
  require(height > 0 && lengths.every((each) => each > 0), "a skeleton without size");
  const rigidLength = Math.max(sumOfTen(lengths), 1e-9);
  return { rest, known, pivots, bounds, pitches: [lowest, highest], expressions, height, rigidLength };
}

/**
 * Pixels per metre of keypoints with depth.
 * @param {Skeleton} skeleton
 * @param {ArrayLike<number>} points (137, 3)
 */
export function scaleOf(skeleton, points) {
  return Math.fround(sumOfTen(segmentLengths(points)) / skeleton.rigidLength);
}

/** @param {ArrayLike<number>} points */
function segmentLengths(points) {
  return RIGID_SEGMENTS.map(([a, b]) => length(minus(vectorAt(points, a), vectorAt(points, b))));
}

/**
 * In numpy's order: eight sums, taken together in pairs, then the rest.
 * @param {number[]} v
 */
function sumOfTen(v) {
  const f = Math.fround;
  const pairs = f(f(f(v[0] + v[1]) + f(v[2] + v[3])) + f(f(v[4] + v[5]) + f(v[6] + v[7])));
  return f(f(pairs + v[8]) + v[9]);
}

/**
 * Nested lists of a shape as singles.
 * @param {unknown} list
 * @param {number[]} shape
 * @param {string} name
 * @returns {Float32Array}
 */
export function numbers(list, shape, name) {
  const flat = /** @type {unknown[]} */ ([list]).flat(shape.length);
  const count = shape.reduce((product, side) => product * side, 1);
  const regular = hasShape(list, shape) && flat.length === count;
  require(regular && flat.every((value) => typeof value === "number"), `${name} should have the shape ${shape}`);
  const values = Float32Array.from(/** @type {number[]} */ (flat));
  require(values.every(Number.isFinite), `${name} should be finite`);
  return values;
}

/**
 * @param {unknown} list
 * @param {number[]} shape
 * @returns {boolean}
 */
function hasShape(list, [side, ...rest]) {
  if (side === undefined) return !Array.isArray(list);
  return Array.isArray(list) && list.length === side && list.every((each) => hasShape(each, rest));
}
