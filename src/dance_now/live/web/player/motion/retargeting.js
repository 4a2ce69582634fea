/** Retargets a motion to a character's body: keypoints of its own lengths (synthesis/poses/avatar_poser.py). */
import { POINTS } from "../character/skeleton.js";
import { blendRotations, BONE_INDEX, HAND_START, SIDES, SWINGS } from "./bone_rule.js";
import { relaxedFingers } from "./hand_shapes.js";
import { bodyAxes, joint } from "./motion.js";
import { aboutY, basis, column, dot, minus, plus, product, swingRotation, times } from "./vectors.js";
import { transposed, turned, unit, vectorAt } from "./vectors.js";

/** @typedef {import("./vectors.js").Vector} Vector */
/** @typedef {import("./vectors.js").Matrix} Matrix */
/** @typedef {import("./bone_rule.js").BoneRig} BoneRig */
/** @typedef {import("./motion.js").Motion} Motion */
/** @typedef {import("./motion.js").MotionFrame} MotionFrame */

const f = Math.fround;
/** Where a motion wants a body's parts; the pelvis faces the front. @typedef {{trunk: Vector, hips: Vector, shoulders: Vector, head: Matrix, hands: Record<string, Matrix>, directions: Record<string, Vector>}} Target */

const HEAD_ROWS = [0, 15, 16, 17, 18, ...Array.from({ length: 70 }, (_, row) => 25 + row)];
const FOOT_ROWS = { left: { ankle: 14, rows: [20, 21] }, right: { ankle: 11, rows: [23, 24] } };
const WRISTS = { left: 7, right: 4 };

/** What a motion's frame asks of a body: keypoints, and the head's rotation, by which expressions move it. */
export class PosedFrame {
  /**
   * @param {Float32Array} points (137, 3) metres, character frame of the start, relative to the middle of the hips
   * @param {Matrix} head rotation from rest
   */
  constructor(points, head) {
    this.points = points;
    this.head = head;
  }
}

/**
 * Retargets one frame.
 * @param {BoneRig} rig
 * @param {Motion} motion
 * @param {MotionFrame} frame
 * @returns {PosedFrame}
 */
export function retarget(rig, motion, frame) {
  const heading = pelvisHeading(frame);
  const target = motionTarget(rig, motion, frame, heading);
  const points = forwardKinematics(rig, boneRotations(rig, target), target.trunk);
  const back = transposed(heading);
  for (let row = 0; row < POINTS; row++) points.set(turned(back, vectorAt(points, row)), 3 * row);
  return new PosedFrame(points, product(back, target.head));
}

/**
 * Rotation about y that makes the pelvis face the front.
 * @param {MotionFrame} frame
 */
function pelvisHeading(frame) {
  const left = column(bodyAxes(frame), 0);
  return aboutY(Math.atan2(left[2], left[0]));
}

/**
 * @param {BoneRig} rig
 * @param {Motion} motion
 * @param {MotionFrame} frame
 * @param {Matrix} heading
 * @returns {Target}
 */
function motionTarget(rig, motion, frame, heading) {
  const direction = (/** @type {string} */ start, /** @type {string} */ end) =>
    turned(heading, unit(minus(joint(frame, end), joint(frame, start))));
  /** @type {Record<string, Vector>} */
  const directions = {};
  /** @type {Record<string, Matrix>} */
  const hands = {};
  SIDES.forEach((side, number) => {
    directions[`${side}UpperArm`] = direction(`${side}UpperArm`, `${side}LowerArm`);
    directions[`${side}LowerArm`] = direction(`${side}LowerArm`, `${side}Hand`);
    directions[`${side}UpperLeg`] = direction(`${side}UpperLeg`, `${side}LowerLeg`);
    const shank = direction(`${side}LowerLeg`, `${side}Foot`);
    directions[`${side}LowerLeg`] = shank;
    const foot = motion.hasToes ? direction(`${side}Foot`, `${side}Toes`) : null;
    directions[`${side}Foot`] = footDirection(rig, motion, side, shank, foot);
    const forearm = rig.restDirections[BONE_INDEX[`${side}LowerArm`]];
    const align = swingRotation(forearm, motion.reference.forearms[number]);
    const turn = product(frame.hands[number], transposed(motion.reference.hands[number]));
    hands[side] = product(product(heading, turn), align);
    Object.assign(directions, Object.fromEntries(relaxedFingers(rig, side, hands[side])));
  });
  const middle = (/** @type {string} */ name) =>
    times(plus(joint(frame, `left${name}`), joint(frame, `right${name}`)), 0.5);
  return {
    trunk: turned(heading, unit(minus(middle("UpperArm"), middle("UpperLeg")))),
    hips: direction("rightUpperLeg", "leftUpperLeg"),
    shoulders: direction("rightUpperArm", "leftUpperArm"),
    head: product(product(heading, frame.head), transposed(motion.reference.head)),
    hands,
    directions,
  };
}

/**
 * The motion's foot direction, with this body's angle between sole and ankle to toe.
 * @param {BoneRig} rig
 * @param {Motion} motion
 * @param {string} side
 * @param {Vector} shank
 * @param {Vector | null} foot null where the motion has no toes
 * @returns {Vector}
 */
function footDirection(rig, motion, side, shank, foot) {
  const rest = rig.restDirections[BONE_INDEX[`${side}Foot`]];
  if (!foot) return turned(swingRotation(rig.restDirections[BONE_INDEX[`${side}LowerLeg`]], shank), rest);
  const up = unit(plus(times(shank, -1), times(foot, dot(foot, shank))));
  const angle = motion.footPitch + Math.asin(Math.min(Math.max(rest[1], -1), 1));
  return plus(times(foot, f(Math.cos(angle))), times(up, f(Math.sin(angle))));
}

/**
 * Rotations from rest by bone.
 * @param {BoneRig} rig
 * @param {Target} target
 */
function boneRotations(rig, target) {
  /** @type {Record<string, Matrix>} */
  const found = {
    hips: product(basis(target.hips, target.trunk), transposed(rig.restFrames[0])),
    chest: product(basis(target.shoulders, target.trunk), transposed(rig.restFrames[1])),
    head: target.head,
    leftHand: target.hands.left,
    rightHand: target.hands.right,
  };
  found.spine = blendRotations(found.hips, found.chest);
  found.neck = blendRotations(found.chest, found.head);
  for (const swing of SWINGS) {
    found[swing.name] = rig.swing(swing.name, found[swing.parent], target.directions[swing.name]);
  }
  return found;
}

/**
 * Keypoints (137, 3) in metres, relative to the middle of the hips.
 * @param {BoneRig} rig
 * @param {Record<string, Matrix>} rotations
 * @param {Vector} trunk direction from the hips to the neck
 */
function forwardKinematics(rig, rotations, trunk) {
  const { rest, pivots, known } = rig.skeleton;
  const points = new Float32Array(3 * POINTS);
  const at = (/** @type {number} */ row) => vectorAt(points, row);
  const restAt = (/** @type {number} */ row) => vectorAt(rest, row);
  const pivot = Object.fromEntries(["spine", "chest", "neck", "head"].map((name, row) => [name, vectorAt(pivots, row)]));
  const carry = (/** @type {string} */ bone, /** @type {Vector} */ origin, /** @type {Vector} */ offset) =>
    plus(origin, turned(rotations[bone], offset));
  const put = (/** @type {number} */ row, /** @type {Vector} */ point) => points.set(point, 3 * row);

  for (const row of [9, 12]) put(row, carry("hips", at(8), minus(restAt(row), restAt(8))));
  const spine = carry("hips", at(8), minus(pivot.spine, restAt(8)));
  let chest = carry("spine", spine, minus(pivot.chest, pivot.spine));
  // Bending moves the neck off the line that pelvis and chest take their lean from; it is moved back.
  const bent = carry("chest", chest, minus(restAt(1), pivot.chest));
  const line = unit(trunk);
  chest = minus(plus(chest, times(line, dot(line, bent))), bent);
  for (const row of [1, 2, 5]) put(row, carry("chest", chest, minus(restAt(row), pivot.chest)));
  const neck = carry("chest", chest, minus(pivot.neck, pivot.chest));
  const head = carry("neck", neck, minus(pivot.head, pivot.neck));
  for (const row of HEAD_ROWS) put(row, carry("head", head, minus(restAt(row), pivot.head)));
  for (const swing of SWINGS) {
    if (swing.name.endsWith("Proximal")) {
      const side = swing.name.startsWith("left") ? "left" : "right";
      const [start, wrist] = [HAND_START[side], at(WRISTS[side])];
      put(start, wrist);
      put(swing.start, carry(`${side}Hand`, wrist, minus(restAt(swing.start), restAt(start))));
    }
    put(swing.end, carry(swing.name, at(swing.start), minus(restAt(swing.end), restAt(swing.start))));
  }
  for (const side of SIDES) {
    const { ankle, rows } = FOOT_ROWS[side];
    for (const row of rows) put(row, carry(`${side}Foot`, at(ankle), minus(restAt(row), restAt(ankle))));
  }
  known.forEach((has, row) => has || put(row, [0, 0, 0]));
  return points;
}
