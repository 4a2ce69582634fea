/** Finger directions of a relaxed hand (synthesis/poses/hand_shapes.py). */
import { BONE_INDEX, FINGERS } from "./bone_rule.js";
import { column, dot, minus, plus, times, turned, unit } from "./vectors.js";

/** @typedef {import("./vectors.js").Vector} Vector */

const PHALANXES = ["Proximal", "Intermediate", "Distal"];
/** Bend in degrees of the three bones of thumb to little finger: the shape "relaxed", without spread. */
const RELAXED = [
  [12, 10, 10],
  [14, 18, 10],
  [20, 24, 14],
  [25, 28, 16],
  [28, 30, 18],
];

/**
 * Directions of one hand's finger bones, by bone.
 * @param {import("./bone_rule.js").BoneRig} rig
 * @param {"left" | "right"} side
 * @param {import("./vectors.js").Matrix} hand its rotation from rest
 * @returns {[bone: string, direction: Vector][]}
 */
export function relaxedFingers(rig, side, hand) {
  const frame = rig.restFrames[side === "left" ? 3 : 4];
  const thumbwards = column(frame, 1);
  const palm = side === "left" ? column(frame, 2) : times(column(frame, 2), -1);
  return FINGERS.flatMap((name, finger) => {
    let bend = 0;
    return PHALANXES.map((phalanx, place) => {
      const bone = `${side}${name}${phalanx}`;
      const rest = rig.restDirections[BONE_INDEX[bone]];
      bend = Math.fround(bend + Math.fround((RELAXED[finger][place] * Math.PI) / 180));
      const towards = finger ? palm : unit(minus(times(palm, 0.7), times(thumbwards, 0.7)));
      const inward = orthogonal(towards, rest);
      const local = plus(times(rest, Math.fround(Math.cos(bend))), times(inward, Math.fround(Math.sin(bend))));
      return /** @type {[string, Vector]} */ ([bone, turned(hand, local)]);
    });
  });
}

/**
 * @param {Vector} vector
 * @param {Vector} direction
 */
function orthogonal(vector, direction) {
  return unit(minus(vector, times(direction, dot(vector, direction))));
}
