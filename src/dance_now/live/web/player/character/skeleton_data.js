/** `Skeleton` of kernel.h for a character's body (character/kernel/skeleton_data.py). */
import { BONE_INDEX, BoneRig, SWINGS } from "../motion/bone_rule.js";
import { minus, vectorAt } from "../motion/vectors.js";
import { FACE_POINTS, FACE_START, RIGID_SEGMENTS } from "./skeleton.js";

/** Doubles of `BonePose`: rotations (47, 9), anchors (47, 3), scale. */
export const POSE_DOUBLES = 47 * 12 + 1;
export const POSE_ANCHORS = 47 * 9;
export const POSE_SCALE = 47 * 12;

/**
 * @param {import("./kernel.js").Kernel} kernel
 * @param {BoneRig} rig
 * @returns {number} address
 */
export function keepSkeleton(kernel, rig) {
  const { rest, rigidLength } = rig.skeleton;
  const doubles = [
    ...rig.restFrames.flat(),
    ...rig.relaxed.flat(),
    ...rig.toRelaxed.flat(),
    ...rig.pivots.flat(),
    ...minus(rig.pivots[BONE_INDEX.spine], vectorAt(rest, 8)),
    ...minus(rig.pivots[BONE_INDEX.neck], vectorAt(rest, 1)),
    ...rest.subarray(3 * FACE_START, 3 * (FACE_START + FACE_POINTS)),
    rigidLength,
  ];
  const integers = [
    ...RIGID_SEGMENTS.flat(),
    ...SWINGS.flatMap((swing) => [BONE_INDEX[swing.parent], swing.start, swing.end]),
  ];
  const address = kernel.reserve(8 * doubles.length + 4 * integers.length);
  kernel.doubles(address, doubles.length).set(doubles);
  kernel.integers(address + 8 * doubles.length, integers.length).set(integers);
  return address;
}
