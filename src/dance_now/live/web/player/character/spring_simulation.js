/** Hair and skirts that swing with a figure's motion (character/templates/spring_simulation.py). */
import { POSE_DOUBLES, POSE_SCALE } from "./skeleton_data.js";

/** @typedef {import("./kernel.js").Kernel} Kernel */
/** @typedef {import("./surface_drawing.js").SurfaceDrawing} SurfaceDrawing */

const BONES = 47;
const POINTS = 137;
const SETTLING_STEPS = 30;
const STEP_SECONDS = 1 / 60; // the format's forces are tuned for it
const LONGEST_GAP = 0.35; // seconds after which a figure begins anew, hanging still
const FASTEST = 12; // metres a second of the hips; what is faster is another place, not a motion
const IN_FLIGHT = 0.015; // metres by which the lower foot has left the ground
const LANDING_SECONDS = 0.6;
const STEADY_SECONDS = 0.2;
const HIPS = 8;
const SOLES = [19, 20, 21, 22, 23, 24];

export class SpringSimulation {
  /**
   * @param {Kernel} kernel
   * @param {SurfaceDrawing} drawing
   */
  constructor(kernel, drawing) {
    const { springs, skeleton, counts } = drawing.springs;
    this._kernel = kernel;
    this._skeleton = skeleton;
    this._springs = springs;
    this._values = 3 * counts.J;
    this._pose = kernel.reserve(8 * POSE_DOUBLES);
    this._keypoints = kernel.reserve(16 * POINTS);
    this._affines = kernel.reserve(96 * (BONES + counts.J));
    this._state = kernel.reserve(48 * counts.J); // tails, then earlier tails
    this._colliders = kernel.reserve(48 * counts.C);
    this._sky = kernel.reserve(24);
    this._time = -Infinity;
    this._earlier = 0; // seconds of the step before
    this._approaching = 0; // metres a second
    this._lift = 0; // metres
    /** @type {{points: Float64Array, scale: number} | null} */
    this._before = null;
  }

  /** Forgets the motion: the next pose hangs still. */
  reset() {
    this._time = -Infinity;
    this._earlier = 0;
    this._approaching = 0;
    this._lift = 0;
    this._before = null;
  }

  /**
   * Moves the springs on to the next pose.
   * @param {Float32Array} keypoints (137, 4) in pixels, of a camera that stands still
   * @param {number} time seconds
   * @param {number[]} up where the sky is, a unit vector
   * @returns {Float64Array} (J, 3) tails, metres, relative to the hips
   */
  move(keypoints, time, up) {
    const points = Float64Array.from(keypoints);
    const kernel = this._kernel;
    kernel.doubles(this._sky, 3).set(up);
    const scale = this._bones(points);
    if (!(scale > 0)) {
      this.reset();
      return this._tails();
    }
    const seconds = time - this._time;
    if (!this._before || !(seconds > 0 && seconds <= LONGEST_GAP)) {
      const { _springs, _affines, _state, _colliders, _sky } = this;
      kernel.call.settle_springs(_springs, _affines, _state, _colliders, _sky, SETTLING_STEPS);
      this._earlier = STEP_SECONDS;
    } else {
      this._swing(this._before, { points, scale }, seconds);
    }
    this._time = time;
    this._before = { points, scale };
    return this._tails();
  }

  /**
   * @param {{points: Float64Array, scale: number}} before
   * @param {{points: Float64Array, scale: number}} now
   * @param {number} seconds
   */
  _swing(before, now, seconds) {
    const { _kernel: kernel } = this;
    const steps = Math.max(1, Math.ceil(seconds / STEP_SECONDS - 1e-3));
    // About the hips and in metres, so that only the body's own motion is interpolated.
    const first = aboutHips(before.points, before.scale);
    const last = aboutHips(now.points, now.scale);
    const metres = 2 / (now.scale + before.scale);
    const across = (now.points[4 * HIPS] - before.points[4 * HIPS]) * metres;
    const down = (now.points[4 * HIPS + 1] - before.points[4 * HIPS + 1]) * metres;
    const fall = down + lowestSole(last).height - lowestSole(first).height;
    this._lift = Math.max(this._lift * Math.exp(-seconds / LANDING_SECONDS) - fall, 0);
    if (this._lift < IN_FLIGHT) this._approach(first, last, seconds);
    let travel = [across, -down, this._approaching * seconds];
    if (Math.hypot(...travel) > FASTEST * seconds) travel = [0, 0, 0];
    for (let step = 1; step <= steps; step++) {
      this._bones(first.map((value, at) => value + ((last[at] - value) * step) / steps));
      const state = kernel.doubles(this._state, 2 * this._values);
      for (let at = 0; at < state.length; at++) state[at] -= travel[at % 3] / steps;
      const { _springs, _affines, _state, _colliders, _sky } = this;
      kernel.call.step_springs(_springs, _affines, _state, _colliders, _sky, seconds / steps, this._earlier);
      this._earlier = seconds / steps;
    }
  }

  /**
   * Reads how fast the hips come nearer off the foot that stands on the ground.
   * @param {Float64Array} first
   * @param {Float64Array} last
   * @param {number} seconds
   */
  _approach(first, last, seconds) {
    const planted = lowestSole(first).row;
    const speed = (last[4 * planted + 2] - first[4 * planted + 2]) / seconds;
    const share = 1 - Math.exp(-seconds / STEADY_SECONDS);
    this._approaching += share * (Math.min(Math.max(speed, -FASTEST), FASTEST) - this._approaching);
  }

  /**
   * Poses the bones about the hips; returns pixels per metre.
   * @param {Float64Array} points
   */
  _bones(points) {
    const { _kernel: kernel } = this;
    kernel.floats(this._keypoints, 4 * POINTS).set(aboutHips(points, 1));
    kernel.call.bone_rule(this._skeleton, this._keypoints, this._pose);
    kernel.call.bone_affines(this._skeleton, this._pose, this._affines);
    return kernel.doubles(this._pose, POSE_DOUBLES)[POSE_SCALE];
  }

  _tails() {
    return this._kernel.doubles(this._state, this._values).slice();
  }
}

/**
 * Keypoints (137, 4) relative to the hips, divided by a scale.
 * @param {Float64Array} points
 * @param {number} scale
 */
function aboutHips(points, scale) {
  return points.map((value, at) => (at % 4 < 3 ? (value - points[4 * HIPS + (at % 4)]) / scale : value));
}

/** @param {Float64Array} points y is down */
function lowestSole(points) {
  const row = SOLES.reduce((low, each) => (points[4 * each + 1] > points[4 * low + 1] ? each : low));
  return { row, height: points[4 * row + 1] };
}
