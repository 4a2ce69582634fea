/** Which part of a canvas a figure may touch (character/figure_bounds.py, canvas_region.py). */
import { basis, plus, times, turned, vectorAt } from "../motion/vectors.js";
import { frameAxes } from "../motion/bone_rule.js";
import { require } from "./player_error.js";
import { numbers, POINTS } from "./skeleton.js";

const f = Math.fround;
/** Bones with a box, and the keypoints between which each box has its origin. @type {[string, number[]][]} */
const TRUNK = [
  ["hips", [8]],
  ["chest", [1]],
  ["head", [17, 18]],
];
const BLOCK = 16; // pixels that corners are multiples of
export const SIDE_STEP = 32; // and sides
const LEAST_SIDE = 192;
const MARGIN = 4;

/** @typedef {{boxes: Float32Array, reach: Float32Array}} FigureBounds boxes (3, 2, 3) and radii (137), metres */
/** @typedef {{left: number, top: number, width: number, height: number}} Region pixels */

/**
 * @param {any} data of a card
 * @returns {FigureBounds}
 */
export function readBounds(data) {
  const boxes = numbers(data?.boxes, [TRUNK.length, 2, 3], "bounds: boxes");
  const reach = numbers(data.reach, [POINTS], "bounds: reach");
  require(reach.every((radius) => radius >= 0), "bounds: lengths should not be negative");
  return { boxes, reach };
}

/**
 * The part of a square canvas that covers a figure.
 * @param {FigureBounds} bounds
 * @param {Float32Array} points (137, 3) x, y, depth in pixels of the canvas
 * @param {number} scale pixels per metre
 * @param {number} side of the canvas, a multiple of SIDE_STEP
 * @returns {Region}
 */
export function regionAround(bounds, points, scale, side) {
  const low = [Infinity, Infinity];
  const high = [-Infinity, -Infinity];
  const cover = (/** @type {number} */ axis, /** @type {number} */ least, /** @type {number} */ most) => {
    low[axis] = Math.min(low[axis], least);
    high[axis] = Math.max(high[axis], most);
  };
  bounds.reach.forEach((radius, row) => {
    const far = f(scale * radius);
    if (radius !== 0) [0, 1].forEach((axis) => cover(axis, f(points[3 * row + axis] - far), f(points[3 * row + axis] + far)));
  });
  const view = points.map((value, at) => (at % 3 ? -value : value));
  TRUNK.forEach(([bone, rows], number) => {
    const frame = basis(...frameAxes(view, bone));
    const middle = rows.map((row) => vectorAt(points, row)).reduce((sum, each) => plus(sum, each));
    const origin = times(middle, 1 / rows.length);
    for (let corner = 0; corner < 8; corner++) {
      const local = [corner >> 2, (corner >> 1) & 1, corner & 1].map((end, axis) => bounds.boxes[6 * number + 3 * end + axis]);
      const [x, y] = turned(frame, /** @type {[number, number, number]} */ (local));
      cover(0, f(origin[0] + f(scale * x)), f(origin[0] + f(scale * x)));
      cover(1, f(origin[1] - f(scale * y)), f(origin[1] - f(scale * y)));
    }
  });
  const [left, width] = span(low[0], high[0], side);
  const [top, height] = span(low[1], high[1], side);
  return { left, top, width, height };
}

/**
 * @param {number} low
 * @param {number} high
 * @param {number} side
 */
function span(low, high, side) {
  const first = clip(Math.floor(f(f(low - MARGIN) / BLOCK)) * BLOCK, 0, side - LEAST_SIDE);
  const size = clip(Math.ceil(f(f(f(high + MARGIN) - first) / SIDE_STEP)) * SIDE_STEP, LEAST_SIDE, side);
  return [Math.min(first, side - size), size];
}

/**
 * @param {number} value
 * @param {number} least
 * @param {number} most
 */
function clip(value, least, most) {
  return Math.min(Math.max(value, least), most);
}
