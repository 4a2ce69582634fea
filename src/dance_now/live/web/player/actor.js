/** A character that performs a motion before a camera: what the worker draws, without a browser around it. */
import { perform } from "./motion/performance.js";
import { StageCamera } from "./stage_camera.js";

/** @typedef {import("./character/character.js").Character} Character */
/** @typedef {import("./motion/motion.js").Motion} Motion */
/** @typedef {import("./character/surface_drawing.js").Picture} Picture */

const BLINK_SECONDS = 0.13; // from open to shut
const BLINK_PERIOD = 3.1;

export class Actor {
  /**
   * @param {Character} character
   * @param {Motion} motion
   */
  constructor(character, motion) {
    this.character = character;
    this._performance = perform(character.rig, motion);
    this.camera = new StageCamera(character.file.skeleton, this._performance);
    character.springs?.reset();
  }

  /**
   * Draws a moment; motions begin again at their end.
   * @param {number} time seconds, which run on
   * @param {number} side of the square, pixels; as `Character.canvasSide` returns it
   * @returns {Picture | null}
   */
  draw(time, side) {
    const { poses, hips, frameTime } = this._performance;
    const number = Math.floor(time / frameTime);
    const [round, frame] = [Math.floor(number / poses.length), number % poses.length];
    const last = hips.length - 1;
    // Where the last round has ended the next begins, so that nothing is thrown back.
    const way = [0, 1, 2].map((axis) => (axis === 1 ? 0 : round * (hips[last][axis] - hips[0][axis])));
    const place = /** @type {[number, number, number]} */ (hips[frame].map((value, axis) => value + way[axis]));
    const { seen, still } = this.camera.project(poses[frame], place, side, this._face(time));
    const up = this.camera.up;
    const tails = this.character.springs?.move(still, time, up);
    return this.character.draw(seen, side, { up, tails });
  }

  /**
   * The face's move at a time: it blinks.
   * @param {number} time
   */
  _face(time) {
    const { blinkLeft, blinkRight, blink } = this.character.file.skeleton.expressions;
    const passed = Math.abs((time % BLINK_PERIOD) - BLINK_PERIOD + 2 * BLINK_SECONDS);
    const weight = Math.max(1 - passed / BLINK_SECONDS, 0);
    const moves = blinkLeft && blinkRight ? [blinkLeft, blinkRight] : blink ? [blink] : [];
    if (!weight || !moves.length) return new Float32Array(0);
    return moves[0].map((_, at) => weight * moves.reduce((sum, move) => sum + move[at], 0));
  }
}
