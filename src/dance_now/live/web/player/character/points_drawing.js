/** Draws a points network on a square canvas (character/templates/points_drawing.py, points_template.py). */
import { BONE_INDEX } from "../motion/bone_rule.js";
import { regionAround, SIDE_STEP } from "./figure_bounds.js";
import { grown } from "./kernel.js";
import { PlayerError } from "./player_error.js";
import { DECODER, SHARP_CHANNELS } from "./points_arrays.js";
import { singles } from "./safetensors_file.js";
import { scaleOf } from "./skeleton.js";
import { keepSkeleton, POSE_DOUBLES } from "./skeleton_data.js";

/** @typedef {import("./kernel.js").Kernel} Kernel */
/** @typedef {import("./points_arrays.js").PointsArrays} PointsArrays */
/** @typedef {import("./figure_bounds.js").Region} Region */

const f = Math.fround;
const POINTS = 137;
const PICTURE_BYTES = 1024; // at least the size of `PointsPicture`
const CHANNEL_STEP = 16;
const GRAVITY_BONES = ["head", "chest", "hips"];
const LIMBS = ["leftUpperArm", "rightUpperArm", "leftUpperLeg", "rightUpperLeg"];
const LIMB_PARENTS = ["chest", "chest", "hips", "hips"];
// The files have red of a map pixel's 2x2 pixels, then green; the kernel has a pixel's RGBA, then the next's.
const BY_PIXEL = Array.from({ length: SHARP_CHANNELS }, (_, place) => 4 * (place % 4) + (place >> 2));

export class PointsDrawing {
  /**
   * @param {Kernel} kernel
   * @param {import("../motion/bone_rule.js").BoneRig} rig
   * @param {PointsArrays} arrays
   * @param {import("./figure_bounds.js").FigureBounds | null} bounds
   */
  constructor(kernel, rig, arrays, bounds) {
    this._kernel = kernel;
    this._rig = rig;
    this._bounds = bounds;
    this._skeleton = keepSkeleton(kernel, rig);
    this._face = this._keepFace(arrays);
    this._model = this._keepModel(arrays);
    this._decoder = this._keepDecoder(arrays);
    this._keypoints = kernel.reserve(16 * POINTS);
    this._pose = kernel.reserve(8 * POSE_DOUBLES);
    this._expressions = kernel.reserve(4 * Math.max(arrays.counts.E, 1));
    this._layout = kernel.reserve(PICTURE_BYTES);
    this._room = { address: 0, bytes: 0 };
    this._pixels = { address: 0, bytes: 0 };
    if (kernel.call.picture_bytes() > BigInt(PICTURE_BYTES)) throw new Error("PointsPicture has grown");
  }

  /**
   * Draws what a figure touches of a canvas.
   * @param {Float32Array} keypoints (137, 4) x, y, depth, confidence in pixels of the canvas
   * @param {number} side of the canvas
   * @returns {import("./surface_drawing.js").Picture} straight RGBA of a part of the canvas, perhaps beyond it
   */
  draw(keypoints, side) {
    const padded = Math.ceil(side / SIDE_STEP) * SIDE_STEP;
    const part = this._part(keypoints, padded);
    const moved = Float32Array.from(keypoints, (value, at) => f(value - [part.left, part.top, 0, 0][at % 4]));
    const { _kernel: kernel, _model: model, _decoder: decoder, _layout: picture } = this;
    const call = kernel.call;
    this._layOut(part);
    kernel.floats(this._keypoints, 4 * POINTS).set(moved);
    call.bone_rule(this._skeleton, this._keypoints, this._pose);
    call.expression_weights(this._face, this._skeleton, this._pose, this._keypoints, this._expressions);
    call.pose_points(model, this._skeleton, this._pose, this._keypoints, this._expressions, picture);
    call.splat_points(model, picture);
    call.enter_patches(model, picture, 0);
    call.read_patches(model, picture, 0);
    for (let layer = 0; layer < DECODER.length; layer++) call.decode(decoder, picture, layer, 0);
    const bytes = 4 * part.width * part.height;
    if (bytes > this._pixels.bytes) this._pixels = grown(kernel, bytes);
    kernel.bytes(this._pixels.address, bytes).fill(0);
    call.finish_picture(model, picture, 0, this._pixels.address, BigInt(4 * part.width));
    const pixels = new Uint8ClampedArray(kernel.bytes(this._pixels.address, bytes).slice().buffer);
    return { pixels, ...part };
  }

  /**
   * @param {Float32Array} keypoints
   * @param {number} side
   * @returns {Region}
   */
  _part(keypoints, side) {
    if (!this._bounds) return { left: 0, top: 0, width: side, height: side };
    const points = new Float32Array(3 * POINTS);
    for (let at = 0; at < points.length; at++) points[at] = keypoints[4 * ((at / 3) | 0) + (at % 3)];
    return regionAround(this._bounds, points, scaleOf(this._rig.skeleton, points), side);
  }

  /** @param {Region} part */
  _layOut({ width, height }) {
    const { _kernel: kernel } = this;
    const lay = (/** @type {number} */ memory) =>
      Number(kernel.call.lay_out_points(this._model, this._decoder, width / 2, height / 2, 1, memory, this._layout));
    const bytes = lay(0);
    if (bytes === 0) throw new PlayerError(`Networks are not drawn at ${width}x${height} pixels.`);
    if (bytes > this._room.bytes) this._room = grown(kernel, bytes);
    lay(this._room.address);
  }

  /**
   * The fields of `Model` that expression_weights reads.
   * @param {PointsArrays} arrays
   */
  _keepFace({ named, counts }) {
    const fields = new Int32Array(26);
    fields[3] = counts.E;
    fields[4 + 13] = this._kernel.keep(singles(named.face_solve));
    return this._kernel.keep(fields);
  }

  /**
   * `PointsModel` of points.h.
   * @param {PointsArrays} arrays
   */
  _keepModel({ named, counts }) {
    const { _kernel: kernel, _rig: rig } = this;
    const keep = (/** @type {string} */ name) => kernel.keep(singles(named[name]));
    const opacities = keep("opacities");
    const logistic = kernel.reserve(4 * counts.N);
    kernel.call.logistic_of(counts.N, opacities, logistic);
    const index = (/** @type {string[]} */ names) => names.map((name) => BONE_INDEX[name]);
    const light = named.light.data;
    const squares = f(f(f(light[0] * light[0]) + f(light[1] * light[1])) + f(light[2] * light[2]));
    const size = f(Math.sqrt(squares));
    const integers = [counts.N, counts.M, counts.E, counts.K, counts.F, +(counts.P > 0)];
    const bones = [...index(GRAVITY_BONES), ...index(LIMBS), ...index(LIMB_PARENTS)];
    const numbers = [
      ...index(LIMBS).flatMap((bone) => rig.restDirections[bone]),
      rig.skeleton.height,
      named.softness.data[0],
      named.inner.data[0],
      ...[0, 1, 2].map((axis) => f(light[axis] / size)),
      light[3],
      ...named.smoothing.data,
    ];
    const pointers = [
      keep("positions"),
      keep("tangents"),
      keep("weights"),
      kernel.keep(named.bones.data),
      kernel.keep(named.two_sided.data),
      keep("colors"),
      keep("shades"),
      keep("features"),
      logistic,
      keep("shapes"),
      keep("pose_basis"),
      kernel.keep(named.pyramid.data),
      kernel.keep(named.relief.data),
    ];
    const words = new Int32Array(integers.length + bones.length + numbers.length + pointers.length);
    words.set([...integers, ...bones]);
    new Float32Array(words.buffer).set(numbers, integers.length + bones.length);
    words.set(pointers, words.length - pointers.length);
    return kernel.keep(words);
  }

  /**
   * `Decoder` of points.h, its weights packed.
   * @param {PointsArrays} arrays
   */
  _keepDecoder({ named, counts, inputs }) {
    const { _kernel: kernel } = this;
    const fields = new Int32Array(3 + 2 * DECODER.length);
    fields.set([counts.W, inputs, kernel.call.best_instructions()]);
    const decoder = kernel.keep(fields);
    DECODER.forEach(([name, , into, out], layer) => {
      const [weight, bias] = arrange(named[`decoder.${name}.weight`], named[`decoder.${name}.bias`], into, out);
      const packed = kernel.reserve(4 * Number(kernel.call.packed_floats(decoder, layer)));
      kernel.call.pack_layer(decoder, layer, kernel.keep(weight), packed);
      const padded = new Float32Array(Math.ceil(bias.length / CHANNEL_STEP) * CHANNEL_STEP);
      padded.set(bias);
      const address = kernel.keep(padded);
      kernel.integers(decoder, fields.length).set([packed], 3 + layer);
      kernel.integers(decoder, fields.length).set([address], 3 + DECODER.length + layer);
    });
    return decoder;
  }
}

/**
 * Weights and biases with the channels of the sharp layer in the kernel's order.
 * @param {import("./safetensors_file.js").NamedArray} weight (out, in, k, k)
 * @param {import("./safetensors_file.js").NamedArray} bias
 * @param {number} into 0: the last inputs are those of the sharp layer
 * @param {number} out 0: so are the outputs
 * @returns {[Float32Array, Float32Array]}
 */
function arrange(weight, bias, into, out) {
  const [outputs, inputs, kernel] = weight.shape;
  const area = kernel * kernel;
  const given = inputs - SHARP_CHANNELS;
  const from = singles(weight);
  const arranged = new Float32Array(from.length);
  for (let row = 0; row < outputs; row++) {
    const source = out === 0 ? BY_PIXEL[row] : row;
    for (let column = 0; column < inputs; column++) {
      const place = into === 0 && column >= given ? given + BY_PIXEL[column - given] : column;
      const start = (source * inputs + place) * area;
      arranged.set(from.subarray(start, start + area), (row * inputs + column) * area);
    }
  }
  const biases = singles(bias);
  return [arranged, out === 0 ? Float32Array.from(BY_PIXEL, (place) => biases[place]) : biases];
}
