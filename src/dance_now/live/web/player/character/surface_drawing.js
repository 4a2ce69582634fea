/** Draws a surface character at any size (character/templates/surface.py). */
import { grown } from "./kernel.js";
import { keepSkeleton, POSE_ANCHORS, POSE_DOUBLES, POSE_SCALE } from "./skeleton_data.js";
import { keepSurface } from "./surface_data.js";

/** @typedef {import("./kernel.js").Kernel} Kernel */
/** @typedef {{pixels: Uint8ClampedArray<ArrayBuffer>, left: number, top: number, width: number, height: number}} Picture */

const BONES = 47;
const POINTS = 137;
const VERTEX_FLOATS = 8;
const BAND_PIXELS = 16;
const SETTLING_STEPS = 30;
const SMALLEST_SCALE = 1e-6;

export class SurfaceDrawing {
  /**
   * @param {Kernel} kernel
   * @param {import("../motion/bone_rule.js").BoneRig} rig
   * @param {import("./surface_arrays.js").SurfaceArrays} arrays
   */
  constructor(kernel, rig, arrays) {
    this._kernel = kernel;
    this._skeleton = keepSkeleton(kernel, rig);
    this._data = keepSurface(kernel, arrays);
    const { V, T, E, J, C } = arrays.counts;
    this._joints = BONES + J;
    this._vertexCount = 2 * V;
    this._keypoints = kernel.reserve(16 * POINTS);
    this._pose = kernel.reserve(8 * POSE_DOUBLES);
    this._affines = kernel.reserve(96 * this._joints);
    this._weights = kernel.reserve(4 * E);
    this._vertices = kernel.reserve(4 * VERTEX_FLOATS * this._vertexCount);
    this._palette = kernel.reserve(64 * this._joints);
    this._shape = kernel.reserve(24 * V);
    this._tails = kernel.reserve(48 * J);
    this._colliders = kernel.reserve(48 * C);
    this._snapped = kernel.reserve(12 * this._vertexCount);
    this._ranges = kernel.reserve(8 * T);
    this._sky = kernel.reserve(24);
    this._small = kernel.reserve(256); // window, box and the structures of a scene
    this._members = { address: 0, count: 0 };
    this._bands = { address: 0, count: 0 };
    this._room = { address: 0, width: 0 };
    this._picture = { address: 0, bytes: 0 };
  }

  /** Where the springs' structures are, for a simulation of them. */
  get springs() {
    return { springs: this._data.springs, skeleton: this._skeleton, counts: this._data.counts };
  }

  /**
   * Draws a pose.
   * @param {Float32Array} keypoints (137, 4) x, y, depth, confidence in pixels of the picture
   * @param {number} width of the picture
   * @param {number} height
   * @param {number} screenHeight pixels of the picture's height, which outlines may refer to
   * @param {{up?: number[], tails?: Float64Array}} [springs] where the sky is, and what a simulation of the
   *     springs returned; without, hair and skirts hang still
   * @returns {Picture | null} the part of the picture that is not empty, straight RGBA
   */
  draw(keypoints, width, height, screenHeight, springs = {}) {
    const bounds = this._place(keypoints, screenHeight, springs);
    if (!bounds) return null;
    const left = Math.max(bounds[0], 0);
    const top = Math.max(bounds[1], 0);
    const part = { left, top, width: Math.min(bounds[2] + 1, width) - left, height: Math.min(bounds[3] + 1, height) - top };
    return part.width > 0 && part.height > 0 ? this._paint(part) : null;
  }

  /**
   * Puts the surface where the keypoints say.
   * @param {Float32Array} keypoints
   * @param {number} screenHeight
   * @param {{up?: number[], tails?: Float64Array}} springs
   * @returns {number[] | null} the pixels that it reaches: left, top, right, bottom
   */
  _place(keypoints, screenHeight, { up = [0, 1, 0], tails }) {
    const { _kernel: kernel, _data: data } = this;
    kernel.floats(this._keypoints, 4 * POINTS).set(keypoints);
    kernel.call.bone_rule(this._skeleton, this._keypoints, this._pose);
    const scale = kernel.doubles(this._pose, POSE_DOUBLES)[POSE_SCALE];
    if (!(scale >= SMALLEST_SCALE)) return null;
    kernel.call.bone_affines(this._skeleton, this._pose, this._affines);
    kernel.call.expression_weights(data.model, this._skeleton, this._pose, this._keypoints, this._weights);
    if (tails) {
      const hips = kernel.doubles(this._pose, POSE_DOUBLES).subarray(POSE_ANCHORS, POSE_ANCHORS + 3);
      kernel.doubles(this._tails, tails.length).set(tails.map((value, at) => hips[at % 3] / scale + value));
      kernel.call.follow_springs(data.springs, this._affines, this._tails);
    } else {
      const size = Math.sqrt(up[0] * up[0] + up[1] * up[1] + up[2] * up[2]);
      kernel.doubles(this._sky, 3).set(up.map((value) => value / size));
      kernel.call.settle_springs(data.springs, this._affines, this._tails, this._colliders, this._sky, SETTLING_STEPS);
    }
    kernel.call.place_vertices(
      data.model,
      this._affines,
      this._joints,
      this._weights,
      2 * scale,
      2 * screenHeight,
      this._palette,
      this._shape,
      this._vertices,
    );
    kernel.call.snap_vertices(this._vertexCount, this._vertices, this._snapped, this._small);
    const box = [...kernel.integers(this._small, 4)].map((value) => value >> 9); // 512 steps of the grid a pixel
    return box[0] <= box[2] ? box : null;
  }

  /**
   * @param {{left: number, top: number, width: number, height: number}} part
   * @returns {Picture}
   */
  _paint(part) {
    const { _kernel: kernel, _data: data } = this;
    const bands = Math.ceil(part.height / BAND_PIXELS);
    if (bands > this._bands.count) this._bands = { address: kernel.reserve(4 * (2 * bands + 1)), count: bands };
    const starts = this._bands.address;
    const cursor = starts + 4 * (bands + 1);
    kernel.integers(starts, 2 * bands + 1).fill(0);
    const window = this._small;
    kernel.integers(window, 4).set([part.left, part.top, part.width, part.height]);
    const total = Number(kernel.call.count_members(data.model, this._snapped, window, this._ranges, starts));
    if (total > this._members.count) {
      const count = total + (total >> 2);
      this._members = { address: kernel.reserve(4 * count), count };
    }
    kernel.call.list_members(data.model, this._ranges, starts, bands, cursor, this._members.address);
    const bytes = 4 * part.width * part.height;
    if (bytes > this._picture.bytes) this._picture = grown(kernel, bytes);
    const scratch = this._scratch(part.width);
    const scene = this._small + 64;
    kernel.integers(scene, 12).set([
      data.model,
      this._vertices,
      this._snapped,
      starts,
      this._members.address,
      part.left,
      part.top,
      part.width,
      part.height,
      this._picture.address,
      4 * part.width,
      0,
    ]);
    kernel.bytes(this._picture.address, bytes).fill(0);
    kernel.call.draw_bands(scene, scratch, 0, 1);
    const pixels = new Uint8ClampedArray(kernel.bytes(this._picture.address, bytes).slice().buffer);
    return { pixels, ...part };
  }

  /**
   * Room for the samples of a band; it grows with the widest picture.
   * @param {number} width
   * @returns {number} address of `Scratch`
   */
  _scratch(width) {
    const { _kernel: kernel } = this;
    const place = this._small + 192;
    if (width > this._room.width) {
      const samples = 2 * BAND_PIXELS * 2 * width + 4;
      const [depth, visible] = [kernel.reserve(4 * samples), kernel.reserve(4 * samples)];
      const color = kernel.reserve(this._data.blends ? 16 * samples : 0);
      this._room = { address: place, width };
      kernel.integers(place, 3).set([depth, visible, color]);
    }
    return place;
  }
}
