/** A motion, independent of a file's joint names, axes and rest pose (synthesis/poses/motion.py). */
import { require } from "../character/player_error.js";
import { JOINT_INDEX } from "./motion_joints.js";
import { basis, column, dot, length, minus, plus, product, times, transposed, turned, unit } from "./vectors.js";

/** @typedef {import("./vectors.js").Vector} Vector */
/** @typedef {import("./vectors.js").Matrix} Matrix */
/** @typedef {import("./motion_joints.js").JointFrame} JointFrame */
/** @typedef {import("./motion_joints.js").JointTracks} JointTracks */

const SIDES = ["left", "right"];
const T_POSE_DEGREES = 12;
const ZERO_POSE_BONUS = 5; // a file's zero pose is preferred over a frame that is hardly closer to a T-pose
const LIMBS = [
  ["UpperArm", "LowerArm", "Hand"],
  ["UpperLeg", "LowerLeg", "Foot"],
];

/**
 * One moment: joints in the order of JOINT_NAMES, y up, and world rotations of head and hands.
 * @typedef {{positions: Vector[], head: Matrix, hands: Matrix[]}} MotionFrame
 */

/**
 * @typedef {object} Motion
 * @property {string} name
 * @property {number} frameTime seconds
 * @property {boolean} hasToes
 * @property {MotionFrame[]} frames the usable ones: no calibration T-pose at either end
 * @property {{head: Matrix, hands: Matrix[], forearms: Vector[]}} reference what rotations are relative to
 * @property {number} footPitch downward angle of ankle to toe when the foot is flat, radians
 */

/**
 * A joint's position.
 * @param {MotionFrame | JointFrame} frame
 * @param {string} name
 */
export function joint(frame, name) {
  return frame.positions[JOINT_INDEX[name]];
}

/**
 * Aligns what a reader found: y up, the reference pose facing the front.
 * @param {JointTracks} tracks
 * @returns {Motion}
 */
export function alignedMotion(tracks) {
  const all = [tracks.zero, ...tracks.frames];
  all.forEach(checkSize);
  const scores = all.map(tPoseDistance);
  if (tracks.zeroIsReference) scores[0] = 0;
  scores[0] -= ZERO_POSE_BONUS;
  const best = tracks.zeroIsReference ? 0 : scores.indexOf(Math.min(...scores));
  const align = alignment(all[best]);
  const [reference, ...frames] = [all[best], ...tracks.frames].map((frame) => alignedFrame(frame, align));
  const posed = scores.slice(1).map((score) => score >= T_POSE_DEGREES);
  const [first, last] = [posed.indexOf(true), posed.lastIndexOf(true)];
  require(first >= 0, "it holds only a T-pose");
  const forearms = SIDES.map((side) =>
    unit(minus(joint(reference, `${side}Hand`), joint(reference, `${side}LowerArm`))),
  );
  return {
    name: tracks.name,
    frameTime: tracks.frameTime,
    hasToes: tracks.hasToes,
    frames: frames.slice(first, last + 1),
    reference: { head: reference.head, hands: reference.hands, forearms },
    footPitch: tracks.hasToes ? footPitch(frames) : 0,
  };
}

/**
 * @param {JointFrame} frame
 * @param {Matrix} align
 * @returns {MotionFrame}
 */
function alignedFrame({ positions, rotations }, align) {
  const turn = (/** @type {string} */ name) => product(align, rotations[JOINT_INDEX[name]]);
  return {
    positions: positions.map((position) => turned(align, position)),
    head: turn("head"),
    hands: [turn("leftHand"), turn("rightHand")],
  };
}

/**
 * Body frame: columns are left, up and front.
 * @param {MotionFrame | JointFrame} frame
 */
export function bodyAxes(frame) {
  const left = minus(joint(frame, "leftUpperLeg"), joint(frame, "rightUpperLeg"));
  const top = plus(joint(frame, "leftUpperArm"), joint(frame, "rightUpperArm"));
  const low = plus(joint(frame, "leftUpperLeg"), joint(frame, "rightUpperLeg"));
  return basis(left, minus(top, low));
}

/**
 * Mean angle in degrees between limbs and a T-pose's.
 * @param {JointFrame} frame
 */
function tPoseDistance(frame) {
  const axes = bodyAxes(frame);
  const angle = (/** @type {Vector} */ direction, /** @type {Vector} */ wanted) =>
    (Math.acos(Math.min(Math.max(dot(turned(transposed(axes), direction), wanted), -1), 1)) * 180) / Math.PI;
  let sum = 0;
  SIDES.forEach((side, number) => {
    for (const [limb, wanted] of /** @type {[string[], Vector][]} */ ([
      [LIMBS[0], [number ? -1 : 1, 0, 0]],
      [LIMBS[1], [0, -1, 0]],
    ])) {
      for (const place of [0, 1]) {
        const [start, end] = [joint(frame, side + limb[place]), joint(frame, side + limb[place + 1])];
        sum += angle(unit(minus(end, start)), wanted);
      }
    }
  });
  sum += 4 * angle(unit(minus(joint(frame, "head"), joint(frame, "hips"))), [0, 1, 0]);
  return sum / 9;
}

/** @param {JointFrame} frame */
function checkSize(frame) {
  require(frame.positions.every((position) => position.every(Number.isFinite)), "joint positions are not finite");
  for (const side of SIDES) {
    for (const limb of LIMBS) {
      for (const place of [0, 1]) {
        const bone = minus(joint(frame, side + limb[place]), joint(frame, side + limb[place + 1]));
        require(length(bone) > 0, `the ${side}${limb[place]} of this skeleton has no length`);
      }
    }
  }
  for (const name of ["UpperArm", "UpperLeg"]) {
    const across = minus(joint(frame, `left${name}`), joint(frame, `right${name}`));
    require(length(across) > 0, `left and right ${name} of this skeleton coincide`);
  }
}

/**
 * Rotation after which y is up and the reference pose faces +z: the coordinate axis nearest to the body's own is up.
 * @param {JointFrame} reference
 */
function alignment(reference) {
  const body = bodyAxes(reference);
  const own = column(body, 1);
  const sizes = own.map(Math.abs);
  const axis = sizes.indexOf(Math.max(...sizes));
  const up = /** @type {Vector} */ ([0, 1, 2].map((place) => (place === axis ? Math.sign(own[axis]) : 0)));
  const left = column(body, 0);
  return transposed(basis(minus(left, times(up, dot(up, left))), up));
}

/**
 * Downward angle of standing feet, in the frames where the ankle is low.
 * @param {MotionFrame[]} frames
 */
function footPitch(frames) {
  const pitches = SIDES.map((side) => {
    const heights = frames.map((frame) => joint(frame, `${side}Foot`)[1]);
    const low = quantile(heights, 0.3);
    const angles = frames.flatMap((frame, at) => {
      if (heights[at] > low) return [];
      const foot = unit(minus(joint(frame, `${side}Toes`), joint(frame, `${side}Foot`)));
      return [Math.asin(Math.min(Math.max(-foot[1], -1), 1))];
    });
    return quantile(angles, 0.5);
  });
  const degrees = Math.PI / 180;
  return Math.min(Math.max((pitches[0] + pitches[1]) / 2, 8 * degrees), 25 * degrees);
}

/**
 * By linear interpolation, as numpy's.
 * @param {number[]} values
 * @param {number} share
 */
export function quantile(values, share) {
  const sorted = Float64Array.from(values).sort();
  const place = share * (sorted.length - 1);
  const first = Math.floor(place);
  const next = Math.min(first + 1, sorted.length - 1);
  return sorted[first] + (sorted[next] - sorted[first]) * (place - first);
}
