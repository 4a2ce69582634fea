/** A character file, opened and ready to draw. */
import { BoneRig } from "../motion/bone_rule.js";
import { readCharacterFile } from "./character_file.js";
import { Kernel } from "./kernel.js";
import { PlayerError } from "./player_error.js";
import { checkPoints } from "./points_arrays.js";
import { PointsDrawing } from "./points_drawing.js";
import { checkSurface } from "./surface_arrays.js";
import { SpringSimulation } from "./spring_simulation.js";
import { SurfaceDrawing } from "./surface_drawing.js";

/** @typedef {import("./surface_drawing.js").Picture} Picture */

const CANVAS = 512;
const LARGEST_CANVAS = 1024;

export class Character {
  /**
   * @param {import("./character_file.js").CharacterFile} file
   * @param {BoneRig} rig
   * @param {SurfaceDrawing | PointsDrawing} drawing
   * @param {SpringSimulation | null} springs
   */
  constructor(file, rig, drawing, springs) {
    this.file = file;
    this.rig = rig;
    /** Of hair and skirts; null where nothing swings. */
    this.springs = springs;
    this._drawing = drawing;
  }

  /**
   * Reads, checks and opens a character file.
   * @param {Uint8Array} data
   * @param {string} title how messages call the file
   * @param {BufferSource} code of the kernel
   * @returns {Promise<Character>}
   */
  static async open(data, title, code) {
    const file = await readCharacterFile(data, title);
    const kernel = await Kernel.start(code);
    const rig = new BoneRig(file.skeleton);
    try {
      if (file.template === "points") {
        return new Character(file, rig, new PointsDrawing(kernel, rig, checkPoints(file.arrays), file.bounds), null);
      }
      const drawing = new SurfaceDrawing(kernel, rig, checkSurface(file.arrays));
      const swings = drawing.springs.counts.J > 0;
      return new Character(file, rig, drawing, swings ? new SpringSimulation(kernel, drawing) : null);
    } catch (error) {
      if (error instanceof PlayerError) throw new PlayerError(`The character ${file.name} is damaged: ${error.message}.`);
      throw error;
    }
  }

  /**
   * Side of the square that is drawn where one of `side` pixels is wanted: networks have a least and a largest.
   * @param {number} side
   */
  canvasSide(side) {
    return this._drawing instanceof SurfaceDrawing ? side : Math.min(Math.max(side, CANVAS), LARGEST_CANVAS);
  }

  /**
   * Draws a pose on a square.
   * @param {Float32Array} keypoints (137, 4) x, y, depth, confidence in pixels
   * @param {number} side as `canvasSide` returns it
   * @param {{up?: number[], tails?: Float64Array}} [springs]
   * @returns {Picture | null} the part that is not empty
   */
  draw(keypoints, side, springs) {
    if (this._drawing instanceof SurfaceDrawing) return this._drawing.draw(keypoints, side, side, side, springs);
    return this._drawing.draw(keypoints, side);
  }
}
