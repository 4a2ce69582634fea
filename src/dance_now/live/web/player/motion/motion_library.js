/** Motions that come with the page, as synthesis/poses/motion_library.py stores them. */
import { require } from "../character/player_error.js";
import { readArrays } from "../character/safetensors_file.js";
import { inflate } from "../character/zip_file.js";
import { JOINT_INDEX } from "./motion_joints.js";
import { IDENTITY, plus, quaternionMatrix, times, unit } from "./vectors.js";

/** @typedef {import("./vectors.js").Vector} Vector */
/** @typedef {import("./motion.js").Motion} Motion */
/** @typedef {import("./motion.js").MotionFrame} MotionFrame */

const f = Math.fround;
const MOST_BYTES = 32 << 20;
const COLUMNS = 54;
const SCALE = 512;
const LIMBS = ["left", "right"].flatMap((side) =>
  [["UpperArm", "LowerArm", "Hand"], ["UpperLeg", "LowerLeg", "Foot", "Toes"]].flatMap((limb) =>
    limb.slice(1).map((end, place) => ({ start: side + limb[place], end: side + end, bone: limb[place] })),
  ),
);
const DIRECTIONS = 3 + LIMBS.length;
/** Bone lengths of the reconstructed body, in leg lengths. @type {Record<string, number>} */
const LENGTHS = { UpperArm: 0.34, LowerArm: 0.3, UpperLeg: 0.5, LowerLeg: 0.5, Foot: 0.18 };
const [TRUNK, HALF_HIPS, HALF_SHOULDERS, NECK] = [0.62, 0.11, 0.21, 0.15];

/**
 * Motions by name.
 * @param {Uint8Array<ArrayBuffer>} packed gzip of a safetensors file: for each motion NAME.differences,
 *     NAME.forearms, and NAME.numbers (seconds a frame, whether there are toes, foot pitch)
 * @returns {Promise<Map<string, Motion>>}
 */
export async function readMotionLibrary(packed) {
  const data = await inflate(packed, "gzip", MOST_BYTES, "the motion library");
  require(data.length <= MOST_BYTES, "the motion library is too large");
  const arrays = readArrays(data);
  const names = [...arrays.keys()].filter((name) => name.endsWith(".numbers")).map((name) => name.slice(0, -8));
  return new Map(
    names.map((name) => {
      const part = (/** @type {string} */ each) => /** @type {any} */ (arrays.get(`${name}.${each}`)?.data);
      return [name, motionOf(name, part("differences"), part("forearms"), part("numbers"))];
    }),
  );
}

/**
 * @param {string} name
 * @param {Uint16Array} differences (54, frames) of 1/512, from frame to frame
 * @param {Float32Array} forearms (2, 3)
 * @param {Float32Array} numbers
 * @returns {Motion}
 */
function motionOf(name, differences, forearms, numbers) {
  const count = differences.length / COLUMNS;
  const sums = new Int16Array(COLUMNS);
  const frames = Array.from({ length: count }, (_, frame) => {
    for (let at = 0; at < COLUMNS; at++) sums[at] += differences[at * count + frame];
    return frameOf(Float32Array.from(sums, (value) => value / SCALE));
  });
  return {
    name,
    frameTime: numbers[0],
    hasToes: numbers[1] > 0,
    frames,
    reference: {
      head: IDENTITY,
      hands: [IDENTITY, IDENTITY],
      forearms: [0, 3].map((at) => /** @type {Vector} */ ([...forearms.subarray(at, at + 3)])),
    },
    footPitch: numbers[2],
  };
}

/**
 * @param {Float32Array} values directions, quaternions of head and hands, hips
 * @returns {MotionFrame}
 */
function frameOf(values) {
  const vector = (/** @type {number} */ at) => /** @type {Vector} */ ([...values.subarray(at, at + 3)]);
  const directions = Array.from({ length: DIRECTIONS }, (_, row) => unit(vector(3 * row)));
  const [hips, shoulders, trunk, ...limbs] = directions;
  const root = vector(COLUMNS - 3);
  const neck = plus(root, times(trunk, f(TRUNK)));
  /** @type {Vector[]} */
  const positions = [];
  positions[JOINT_INDEX.hips] = root;
  positions[JOINT_INDEX.head] = plus(neck, times(trunk, f(NECK)));
  ["left", "right"].forEach((side, number) => {
    const sign = number ? -1 : 1;
    positions[JOINT_INDEX[`${side}UpperLeg`]] = plus(root, times(hips, f(sign * HALF_HIPS)));
    positions[JOINT_INDEX[`${side}UpperArm`]] = plus(neck, times(shoulders, f(sign * HALF_SHOULDERS)));
  });
  LIMBS.forEach(({ start, end, bone }, row) => {
    positions[JOINT_INDEX[end]] = plus(positions[JOINT_INDEX[start]], times(limbs[row], f(LENGTHS[bone])));
  });
  const turns = [0, 4, 8].map((at) => rotation(values.subarray(3 * DIRECTIONS + at, 3 * DIRECTIONS + at + 4)));
  return { positions, head: turns[0], hands: turns.slice(1) };
}

/** @param {Float32Array} q x, y, z, w of about length 1 */
function rotation(q) {
  const size = f(Math.sqrt(f(f(f(f(q[0] * q[0]) + f(q[1] * q[1])) + f(q[2] * q[2])) + f(q[3] * q[3]))));
  require(size > 1e-9, "a rotation has no length");
  return quaternionMatrix(f(q[0] / size), f(q[1] / size), f(q[2] / size), f(q[3] / size));
}
