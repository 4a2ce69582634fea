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
const NEAR_T_POSE_DEGREES = 25; // farther, a frame says nothing about where a level head looks
const FAR_ZERO_DEGREES = 60; // likewise, a zero pose
const FRONT_SECONDS = 1;
const TURNING = 0.3; // mean of unit vectors: below, a clip turns on the spot in its first second
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
 * Aligns what a reader found: y up, the first second facing the front (synthesis/poses/motion_alignment.py).
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
  const posed = scores.slice(1).map((score) => score >= T_POSE_DEGREES);
  const [first, last] = [posed.indexOf(true), posed.lastIndexOf(true)];
  require(first >= 0, "it holds only a T-pose");
  const own = poseAlignment(all[best], mostUsualUp([all[best]]));
  const align = tracks.keepsWorld ? own : clipAlignment(tracks.frames.slice(first), last + 1 - first, tracks.frameTime);
  const reference = alignedFrame(all[best], own);
  const frames = tracks.frames.map((frame) => alignedFrame(frame, align));
  const far = scores[best] > (best === 0 ? FAR_ZERO_DEGREES : NEAR_T_POSE_DEGREES);
  const forearms = SIDES.map((side) =>
    unit(minus(joint(reference, `${side}Hand`), joint(reference, `${side}LowerArm`))),
  );
  return {
    name: tracks.name,
    frameTime: tracks.frameTime,
    hasToes: tracks.hasToes,
    frames: frames.slice(first, last + 1),
    reference: { head: far ? levelHead(frames, reference.head) : reference.head, hands: reference.hands, forearms },
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
 * The coordinate axis nearest to the bodies' own up in most frames.
 * @param {JointFrame[]} frames
 * @returns {Vector}
 */
function mostUsualUp(frames) {
  const votes = [0, 0, 0, 0, 0, 0]; // of -x, x, -y, ...
  for (const frame of frames) {
    const own = column(bodyAxes(frame), 1);
    const sizes = own.map(Math.abs);
    const axis = sizes.indexOf(Math.max(...sizes));
    votes[2 * axis + (own[axis] > 0 ? 1 : 0)]++;
  }
  const chosen = votes.indexOf(Math.max(...votes));
  const up = [0, 0, 0];
  up[chosen >> 1] = chosen % 2 ? 1 : -1;
  return /** @type {Vector} */ (up);
}

/**
 * Rotation after which `up` is y, and a pose faces +z.
 * @param {JointFrame} pose
 * @param {Vector} up
 */
function poseAlignment(pose, up) {
  return transposed(basis(flattened(column(bodyAxes(pose), 0), up), up));
}

/**
 * Alignment of a clip: up is what most frames say, the front that of its first second.
 * @param {JointFrame[]} frames from the first usable one on
 * @param {number} usable how many are no calibration poses
 * @param {number} frameTime seconds
 */
function clipAlignment(frames, usable, frameTime) {
  const up = mostUsualUp(frames.slice(0, usable));
  const begin = frames.slice(0, Math.max(1, Math.round(FRONT_SECONDS / frameTime)));
  const flat = times(
    begin.map((frame) => flattened(column(bodyAxes(frame), 0), up)).reduce((a, b) => plus(a, b)),
    1 / begin.length,
  );
  return length(flat) < TURNING ? poseAlignment(begin[0], up) : transposed(basis(flat, up));
}

/**
 * @param {Vector} direction
 * @param {Vector} up
 */
function flattened(direction, up) {
  return minus(direction, times(up, dot(up, direction)));
}

/**
 * Reference rotation of the head under which its median pitch is level.
 * @param {MotionFrame[]} frames aligned
 * @param {Matrix} reference of a pose that is far from a T-pose
 */
function levelHead(frames, reference) {
  const pitches = frames.map((frame) => {
    const front = column(product(frame.head, transposed(reference)), 2);
    const body = column(bodyAxes(frame), 2);
    const ahead = Math.abs(dot(unit([body[0], 0, body[2]]), front));
    return Math.atan2(-front[1], Math.max(ahead, 1e-6));
  });
  const angle = quantile(pitches, 0.5);
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  return product([1, 0, 0, 0, cosine, -sine, 0, sine, cosine], reference);
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
