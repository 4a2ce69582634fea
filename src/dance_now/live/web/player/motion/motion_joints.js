/** Joints of a motion, and their names in common skeletons (formats3d/motion/motion_joints.py). */
import { PlayerError, require } from "../character/player_error.js";
import { findHumanoidBones } from "./humanoid_names.js";

/** @typedef {import("./vectors.js").Vector} Vector */
/** @typedef {import("./vectors.js").Matrix} Matrix */

const SIDES = ["left", "right"];
const SIDE_JOINTS = ["UpperArm", "LowerArm", "Hand", "UpperLeg", "LowerLeg", "Foot"];
const TOES = ["leftToes", "rightToes"];
export const JOINT_NAMES = [
  "hips",
  "head",
  ...SIDES.flatMap((side) => SIDE_JOINTS.map((joint) => side + joint)),
  ...TOES,
];
/** @type {Record<string, number>} */
export const JOINT_INDEX = Object.fromEntries(JOINT_NAMES.map((name, index) => [name, index]));

/**
 * A skeleton's joints at one moment, in the order of JOINT_NAMES.
 * @typedef {{positions: Vector[], rotations: Matrix[]}} JointFrame
 */

/**
 * What readers of motion files return, in the file's own axes and unit.
 * @typedef {object} JointTracks
 * @property {string} name
 * @property {number} frameTime seconds
 * @property {boolean} hasToes
 * @property {JointFrame} zero the skeleton's zero pose
 * @property {JointFrame[]} frames
 * @property {boolean} zeroIsReference whether the format defines the zero pose as T-pose
 * @property {boolean} keepsWorld whether the format defines the world's axes as those of the zero pose
 */

/**
 * @param {string} hips
 * @param {string} pattern
 * @param {string[]} marks
 * @returns {Record<string, string>}
 */
function family(hips, pattern, marks) {
  const words = pattern.split(" ");
  const named = SIDES.flatMap((side, number) =>
    [...SIDE_JOINTS, "Toes"].map((joint, place) => [side + joint, words[place].replace("@", marks[number])]),
  );
  return { hips, head: "head", ...Object.fromEntries(named) };
}

/** Skeletons whose names contradict those of rigged avatars, lower case; "@" stands for the side. */
const FAMILIES = [
  family("hips", "@shoulder @elbow @wrist @hip @knee @ankle @toe", SIDES),
  family("root", "@humerus @radius @wrist @femur @tibia @foot @toes", ["l", "r"]),
  {
    hips: "cmu00",
    head: "cmu18",
    ...Object.fromEntries(
      [21, 22, 23, 2, 3, 4, 5, 30, 31, 32, 8, 9, 10, 11].map((number, place) => [
        SIDES[(place / 7) | 0] + [...SIDE_JOINTS, "Toes"][place % 7],
        `cmu${String(number).padStart(2, "0")}`,
      ]),
    ),
  },
];

/**
 * Index of each joint among a file's joint names, parents before children; toes may be absent.
 * @param {string[]} names
 * @returns {Record<string, number>}
 * @throws {PlayerError} an unknown skeleton, or one without an arm or a leg, which the message names
 */
export function matchJointNames(names) {
  /** @type {Record<string, number>} */
  const plain = {};
  names.forEach((name, index) => (plain[normalisedJointName(name)] ??= index));
  const candidates = [
    findHumanoidBones(names),
    ...FAMILIES.map((words) =>
      Object.fromEntries(
        Object.entries(words)
          .filter(([, word]) => word in plain)
          .map(([joint, word]) => [joint, plain[word]]),
      ),
    ),
  ].map((found) => Object.fromEntries(JOINT_NAMES.filter((joint) => joint in found).map((joint) => [joint, found[joint]])));
  const best = candidates.reduce((a, b) => (Object.keys(b).length > Object.keys(a).length ? b : a));
  if (Object.keys(best).length < JOINT_NAMES.length >> 1) {
    throw new PlayerError(`its joint names match no known skeleton (first: "${(names[0] ?? "").slice(0, 40)}")`);
  }
  requireLimbs(best);
  return best;
}

/** @param {Record<string, number>} joints */
export function requireLimbs(joints) {
  const missing = JOINT_NAMES.filter((joint) => !(joint in joints) && !TOES.includes(joint));
  require(!missing.length, `this skeleton has no ${missing.join(", ")}`);
}

/**
 * Columns of JOINT_NAMES in a file's joints; feet replace missing toes.
 * @param {Record<string, number>} joints
 */
export function jointColumns(joints) {
  return JOINT_NAMES.map((joint) => joints[joint] ?? joints[joint.replace("Toes", "Foot")]);
}

/** @param {Record<string, number>} joints */
export function hasToes(joints) {
  return TOES.every((joint) => joint in joints);
}

/** @param {string} name */
function normalisedJointName(name) {
  return name
    .replace(/^.*[:|]|[ _.-]/g, "")
    .toLowerCase();
}
