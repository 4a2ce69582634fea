/** Where a performing figure is seen from: the camera follows its hips and may be turned around it. */
import { POINTS } from "./character/skeleton.js";
import { aboutX, aboutY, plus, product, turned, vectorAt } from "./motion/vectors.js";

/** @typedef {import("./motion/vectors.js").Vector} Vector */
/** @typedef {import("./motion/performance.js").Performance} Performance */
/** @typedef {import("./character/skeleton.js").Skeleton} Skeleton */

const MARGIN = 0.07; // heights of the figure around it
const DEGREES = Math.PI / 180;
const HEAD_ROW = 25; // first of the face

export class StageCamera {
  /**
   * @param {Skeleton} skeleton
   * @param {Performance} performance that has to fit in
   */
  constructor(skeleton, { extent }) {
    this._skeleton = skeleton;
    const hair = Math.max(skeleton.bounds[4] - highest(skeleton), 0);
    const high = extent.high + hair;
    const margin = MARGIN * skeleton.height;
    /** Metres that the square shows, and height of its middle. */
    this._covered = Math.max(2 * (extent.reach + hair), high - Math.min(extent.low, 0)) + 2 * margin;
    this._middle = (high + Math.min(extent.low, 0)) / 2;
    this.yaw = 0;
    this.pitch = 0;
  }

  /**
   * Turns around the figure; up and down as far as it was made for.
   * @param {number} yaw degrees
   * @param {number} pitch degrees by which the camera looks down
   */
  turn(yaw, pitch) {
    const [lowest, highest] = this._skeleton.pitches;
    this.yaw = yaw % 360;
    this.pitch = Math.min(Math.max(pitch, lowest), highest);
  }

  /** Where the sky is, in the view frame. @returns {number[]} */
  get up() {
    return turned(this._rotation, [0, 1, 0]);
  }

  get _rotation() {
    return product(aboutX(this.pitch * DEGREES), aboutY(this.yaw * DEGREES));
  }

  /**
   * Keypoints in pixels of a square picture.
   * @param {import("./motion/retargeting.js").PosedFrame} pose
   * @param {Vector} hips metres
   * @param {number} side pixels
   * @param {Float32Array} face (70, 3) metres by which an expression moves the face, head at rest
   * @returns {{seen: Float32Array, still: Float32Array}} (137, 4) as the camera sees them, and as one would that
   *     does not follow
   */
  project(pose, hips, side, face) {
    const scale = side / this._covered;
    const rotation = this._rotation;
    const place = turned(rotation, hips);
    const raise = turned(rotation, [0, hips[1] - this._middle, 0]);
    const seen = new Float32Array(4 * POINTS);
    const still = new Float32Array(4 * POINTS);
    for (let row = 0; row < POINTS; row++) {
      let own = vectorAt(pose.points, row);
      if (row >= HEAD_ROW && 3 * (row - HEAD_ROW) < face.length) {
        own = plus(own, turned(pose.head, vectorAt(face, row - HEAD_ROW)));
      }
      const point = turned(rotation, own);
      const known = this._skeleton.known[row] ? 1 : 0;
      const [x, y, z] = [0, 1, 2].map((axis) => scale * (point[axis] + raise[axis]));
      seen.set([side / 2 + x, side / 2 - y, -z, known], 4 * row);
      still.set([scale * (point[0] + place[0]), -scale * (point[1] + place[1]), -scale * (point[2] + place[2]), known], 4 * row);
    }
    return { seen, still };
  }
}

/** @param {Skeleton} skeleton */
function highest({ rest, known }) {
  return rest.reduce((high, value, at) => (at % 3 === 1 && known[(at / 3) | 0] ? Math.max(high, value) : high), -Infinity);
}
