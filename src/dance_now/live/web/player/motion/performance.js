/** A motion performed by a character: keypoints over time, standing on the ground (synthesis/avatar_clip.py). */
import { require } from "../character/player_error.js";
import { POINTS } from "../character/skeleton.js";
import { joint, quantile } from "./motion.js";
import { PosedFrame, retarget } from "./retargeting.js";
import { length, minus, vectorAt } from "./vectors.js";

/** @typedef {import("./vectors.js").Vector} Vector */
/** @typedef {import("./motion.js").Motion} Motion */
/** @typedef {import("./motion.js").MotionFrame} MotionFrame */

const FRAME_RATE = 30;
const MOST_FRAMES = 18_000; // ten minutes
const CONTACT = 0.03; // leg lengths; feet raised by less are in ground contact
const SOLES = [19, 20, 21, 22, 23, 24];

/**
 * @typedef {object} Performance
 * @property {number} frameTime seconds
 * @property {PosedFrame[]} poses relative to the middle of the hips
 * @property {Vector[]} hips where these are, metres; the ground is at 0
 * @property {{low: number, high: number, reach: number}} extent of the keypoints: lowest and highest, and how far
 *     from the hips' axis
 */

/**
 * @param {import("./bone_rule.js").BoneRig} rig
 * @param {Motion} motion
 * @returns {Performance}
 */
export function perform(rig, motion) {
  const step = Math.max(1, Math.round(1 / (FRAME_RATE * motion.frameTime)));
  const frames = motion.frames.filter((_, number) => number % step === 0);
  require(frames.length <= MOST_FRAMES, "it is longer than ten minutes");
  const poses = frames.map((frame) => retarget(rig, motion, frame));
  const hips = hipTrajectory(rig, motion, frames, poses);
  return { frameTime: motion.frameTime * step, poses, hips, extent: extentOf(rig, poses, hips) };
}

/**
 * The lower foot keeps ground contact without sliding, but in flight; the motion only decides on flight.
 * @param {import("./bone_rule.js").BoneRig} rig
 * @param {Motion} motion
 * @param {MotionFrame[]} frames
 * @param {PosedFrame[]} poses
 * @returns {Vector[]}
 */
function hipTrajectory(rig, motion, frames, poses) {
  const rest = (/** @type {number} */ row) => vectorAt(rig.skeleton.rest, row);
  const own = length(minus(rest(12), rest(13))) + length(minus(rest(13), rest(14)));
  const bones = ["leftUpperLeg", "leftLowerLeg", "leftFoot"].map((name) => joint(frames[0], name));
  const theirs = length(minus(bones[0], bones[1])) + length(minus(bones[1], bones[2]));
  const scale = own / Math.max(theirs, 1e-6);
  const flight = flights(motion, frames, scale, own);
  const middle = (/** @type {MotionFrame} */ frame) =>
    [0, 1, 2].map((axis) => (scale * (joint(frame, "leftUpperLeg")[axis] + joint(frame, "rightUpperLeg")[axis])) / 2);
  const lowest = poses.map(({ points }) =>
    SOLES.reduce((low, row) => (points[3 * row + 1] < points[3 * low + 1] ? row : low)),
  );
  const sole = Math.min(...SOLES.map((row) => rest(row)[1]));
  /** @type {Vector} */
  let track = [0, 0, 0];
  return poses.map(({ points }, number) => {
    if (number > 0) {
      const standing = flight[number - 1] === 0 && flight[number] === 0;
      const foot = lowest[number - 1];
      const [before, after] = standing
        ? [vectorAt(points, foot), vectorAt(poses[number - 1].points, foot)]
        : [middle(frames[number - 1]), middle(frames[number])];
      track = /** @type {Vector} */ (track.map((value, axis) => value + after[axis] - before[axis]));
    }
    return [track[0], flight[number] - points[3 * lowest[number] + 1] + sole, track[2]];
  });
}

/**
 * Metres by which the lower foot is in the air.
 * @param {Motion} motion
 * @param {MotionFrame[]} frames
 * @param {number} scale
 * @param {number} leg
 */
function flights(motion, frames, scale, leg) {
  const feet = ["Foot", ...(motion.hasToes ? ["Toes"] : [])].flatMap((bone) => [`left${bone}`, `right${bone}`]);
  const clearances = feet.map((bone) => {
    const heights = frames.map((frame) => scale * joint(frame, bone)[1]);
    const ground = quantile(heights, 0.05);
    return heights.map((height) => height - ground);
  });
  return frames.map((_, number) => {
    const clearance = Math.min(...clearances.map((heights) => heights[number]));
    return Math.max(clearance - CONTACT * leg, 0);
  });
}

/**
 * @param {import("./bone_rule.js").BoneRig} rig
 * @param {PosedFrame[]} poses
 * @param {Vector[]} hips
 */
function extentOf(rig, poses, hips) {
  const extent = { low: Infinity, high: -Infinity, reach: 0 };
  poses.forEach(({ points }, number) => {
    for (let row = 0; row < POINTS; row++) {
      if (!rig.skeleton.known[row]) continue;
      const height = points[3 * row + 1] + hips[number][1];
      extent.low = Math.min(extent.low, height);
      extent.high = Math.max(extent.high, height);
      extent.reach = Math.max(extent.reach, Math.hypot(points[3 * row], points[3 * row + 2]));
    }
  });
  return extent;
}
