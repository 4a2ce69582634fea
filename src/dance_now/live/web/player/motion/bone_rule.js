/** Bone rotations from keypoints (pose/model/bone_rule.py): 47 bones, one rotation for every pose. */
import { basis, column, cross, IDENTITY, minus, plus, product, swingRotation, times } from "./vectors.js";
import { transposed, turned, unit, vectorAt } from "./vectors.js";

/** @typedef {import("./vectors.js").Vector} Vector */
/** @typedef {import("./vectors.js").Matrix} Matrix */
/** @typedef {import("../character/skeleton.js").Skeleton} Skeleton */

export const SIDES = /** @type {const} */ (["left", "right"]);
export const FINGERS = ["Thumb", "Index", "Middle", "Ring", "Little"];
export const HAND_START = { left: 95, right: 116 };
const ARM = { left: [5, 6, 7], right: [2, 3, 4] };
const LEG = { left: [12, 13, 14, 19], right: [9, 10, 11, 22] };
/** @type {Record<string, Vector>} */
const RELAXED = {
  leftUpperArm: [0.6, -0.65, 0.45],
  rightUpperArm: [-0.6, -0.65, 0.45],
  leftUpperLeg: [0.1, -0.85, 0.5],
  rightUpperLeg: [-0.1, -0.85, 0.5],
};

export const FRAME_BONES = ["hips", "chest", "head", "leftHand", "rightHand"];

/** Bone that points from one keypoint to another. @typedef {{name: string, parent: string, start: number, end: number}} Swing */

/** Swing bones, parents first. @type {Swing[]} */
export const SWINGS = swings();

export const BONE_NAMES = [...FRAME_BONES, "spine", "neck", ...SWINGS.map((swing) => swing.name)];
/** @type {Record<string, number>} */
export const BONE_INDEX = Object.fromEntries(BONE_NAMES.map((name, index) => [name, index]));

function swings() {
  /** @type {Swing[][]} */
  const levels = [[], [], [], [], []];
  for (const side of SIDES) {
    const [shoulder, elbow, wrist] = ARM[side];
    const [hip, knee, ankle, toe] = LEG[side];
    levels[0].push(
      { name: `${side}UpperArm`, parent: "chest", start: shoulder, end: elbow },
      { name: `${side}UpperLeg`, parent: "hips", start: hip, end: knee },
    );
    levels[1].push(
      { name: `${side}LowerArm`, parent: `${side}UpperArm`, start: elbow, end: wrist },
      { name: `${side}LowerLeg`, parent: `${side}UpperLeg`, start: knee, end: ankle },
    );
    levels[2].push({ name: `${side}Foot`, parent: `${side}LowerLeg`, start: ankle, end: toe });
    FINGERS.forEach((finger, number) => {
      const joint = HAND_START[side] + 4 * number + 1;
      const name = `${side}${finger}`;
      levels[2].push({ name: `${name}Proximal`, parent: `${side}Hand`, start: joint, end: joint + 1 });
      levels[3].push({ name: `${name}Intermediate`, parent: `${name}Proximal`, start: joint + 1, end: joint + 2 });
      levels[4].push({ name: `${name}Distal`, parent: `${name}Intermediate`, start: joint + 2, end: joint + 3 });
    });
  }
  return levels.flat();
}

/**
 * Axes of a frame bone from keypoints: its x axis and a direction towards y.
 * @param {ArrayLike<number>} points (137, 3)
 * @param {string} bone
 * @returns {[Vector, Vector]}
 */
export function frameAxes(points, bone) {
  const at = (/** @type {number} */ row) => vectorAt(points, row);
  const trunk = minus(at(1), at(8));
  if (bone === "hips") return [minus(at(12), at(9)), trunk];
  if (bone === "chest") return [minus(at(5), at(2)), trunk];
  if (bone === "head") {
    const across = minus(at(18), at(17));
    return [across, cross(minus(at(0), times(plus(at(17), at(18)), 0.5)), across)];
  }
  const hand = bone === "leftHand" ? HAND_START.left : HAND_START.right;
  return [minus(at(hand + 9), at(hand)), minus(at(hand + 5), at(hand + 17))];
}

/**
 * Mean of two rotations, orthonormalised.
 * @param {Matrix} first
 * @param {Matrix} second
 */
export function blendRotations(first, second) {
  return basis(plus(column(first, 0), column(second, 0)), plus(column(first, 1), column(second, 1)));
}

/** Constants of the bone rule for one skeleton. */
export class BoneRig {
  /** @param {Skeleton} skeleton */
  constructor(skeleton) {
    const rest = skeleton.rest;
    const at = (/** @type {number} */ row) => vectorAt(rest, row);
    this.skeleton = skeleton;
    /** Bases of FRAME_BONES at rest. */
    this.restFrames = FRAME_BONES.map((bone) => basis(...frameAxes(rest, bone)));
    /** Unit rest direction of each swing bone, 0 for the others. @type {Vector[]} */
    this.restDirections = BONE_NAMES.map(() => [0, 0, 0]);
    /** Where a swing bone's smallest rotation is measured from. @type {Vector[]} */
    this.relaxed = BONE_NAMES.map(() => [0, 0, 0]);
    /** Rotations from rest to relaxed direction. @type {Matrix[]} */
    this.toRelaxed = BONE_NAMES.map(() => IDENTITY);
    /** Rest position about which each bone turns. @type {Vector[]} */
    this.pivots = BONE_NAMES.map(() => [0, 0, 0]);
    const ears = times(plus(at(17), at(18)), 0.5);
    const [spine, , neck] = [0, 1, 2].map((row) => vectorAt(skeleton.pivots, row));
    const first = [at(8), at(1), ears, at(HAND_START.left), at(HAND_START.right), spine, neck];
    first.forEach((pivot, index) => (this.pivots[index] = pivot));
    for (const swing of SWINGS) {
      const index = BONE_INDEX[swing.name];
      this.pivots[index] = at(swing.start);
      const direction = unit(minus(at(swing.end), at(swing.start)));
      const relaxed = RELAXED[swing.name]?.map(Math.fround) ?? direction;
      this.restDirections[index] = direction;
      this.relaxed[index] = unit(/** @type {Vector} */ (relaxed));
      this.toRelaxed[index] = swingRotation(direction, this.relaxed[index]);
    }
  }

  /**
   * Rotation of one swing bone from its parent's rotation and its direction.
   * @param {string} name
   * @param {Matrix} parent
   * @param {Vector} direction
   */
  swing(name, parent, direction) {
    const index = BONE_INDEX[name];
    const local = turned(transposed(parent), direction);
    return product(product(parent, swingRotation(this.relaxed[index], local)), this.toRelaxed[index]);
  }
}
