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
 * Index of each joint among a file's joint names, parents before children; toes may be absent.
 * @param {string[]} names
 * @returns {Record<string, number>}
 * @throws {PlayerError} an unknown skeleton, or one without an arm or a leg, which the message names
 */
export function matchJointNames(names) {
  const bones = findHumanoidBones(names);
  const found = Object.fromEntries(JOINT_NAMES.filter((joint) => joint in bones).map((joint) => [joint, bones[joint]]));
  if (Object.keys(found).length < JOINT_NAMES.length >> 1) {
    throw new PlayerError(`its joint names match no known skeleton (first: "${(names[0] ?? "").slice(0, 40)}")`);
  }
  requireLimbs(found);
  return found;
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
