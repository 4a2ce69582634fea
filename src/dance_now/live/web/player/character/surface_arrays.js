/** The arrays of the `surface` template; checked as character/templates/surface_arrays.py does. */
import { checkArray, checkNames } from "./array_limits.js";
import { require } from "./player_error.js";
import { singles } from "./safetensors_file.js";

/** @typedef {import("./safetensors_file.js").NamedArray} NamedArray */
/** @typedef {import("./array_limits.js").Limit} Limit */

export const BONES = 47;
const FACE_POINTS = 70;

/** @type {Record<string, [number, number]>} */
const COUNTS = {
  V: [1, 250_000],
  T: [1, 500_000],
  M: [1, 256],
  X: [0, 64],
  P: [0, 1 << 24],
  E: [0, 64],
  K: [0, 2_000_000],
  J: [0, 512],
  C: [0, 256],
};

/** @type {Record<string, Limit>} */
const LIMITS = {
  positions: ["F32", ["V", 3], -100, 100],
  normals: ["F16", ["V", 3], -2, 2],
  outline_normals: ["F16", ["V", 3], -2, 2],
  uv: ["F32", ["V", 2], -1e6, 1e6],
  joints: ["U16", ["V", 4]],
  weights: ["F16", ["V", 4], 0, 1],
  triangles: ["U32", ["T", 3]],
  surface_triangles: ["U32", ["M"]],
  surface_base: ["F32", ["M", 4], 0, 1e4],
  surface_shade: ["F32", ["M", 3], 0, 1e4],
  surface_ramp: ["F32", ["M", 2], -1e4, 1e4],
  surface_emission: ["F32", ["M", 3], 0, 1e4],
  surface_rim: ["F32", ["M", 5], -1e4, 1e4],
  surface_matcap: ["F32", ["M", 3], 0, 1e4],
  surface_outline: ["F32", ["M", 6], 0, 1e4],
  surface_cutoff: ["F32", ["M"], -1e4, 1e4],
  surface_flags: ["U8", ["M", 7], 0, 2],
  surface_textures: ["I32", ["M", 3], -1],
  texture_sizes: ["U32", ["X", 2], 1, 4096],
  texels: ["U8", ["P", 4]],
  face_solve: ["F32", ["E", FACE_POINTS, 3], -1e6, 1e6],
  expression_counts: ["U32", ["E"]],
  expression_vertices: ["U32", ["K"]],
  expression_offsets: ["F16", ["K", 3]],
  expression_normals: ["F16", ["K", 3]],
  spring_parents: ["U16", ["J"]],
  spring_points: ["F32", ["J", 2, 3], -100, 100],
  spring_forces: ["F32", ["J", 6], -1e4, 1e4],
  collider_bones: ["U16", ["C"], 0, BONES - 1],
  collider_points: ["F32", ["C", 2, 3], -100, 100],
  collider_radii: ["F32", ["C"], -100, 100],
  spring_colliders: ["U8", ["J", "C"], 0, 1],
};

/**
 * The checked arrays of a surface character.
 * @typedef {object} SurfaceArrays
 * @property {Record<string, NamedArray>} named
 * @property {Record<string, number>} counts
 * @property {Uint16Array} surfaceOf (T) surface of each triangle
 * @property {Uint16Array} owners (V) surface of each vertex; 0 for those of no triangle
 */

/**
 * @param {Map<string, NamedArray>} arrays
 * @returns {SurfaceArrays}
 */
export function checkSurface(arrays) {
  checkNames(arrays, Object.keys(LIMITS));
  /** @type {Record<string, number>} */
  const counts = {};
  for (const [name, limit] of Object.entries(LIMITS)) checkArray(name, arrays.get(name), limit, counts, COUNTS);
  const named = Object.fromEntries(arrays);
  const surfaces = checkGeometry(named, counts);
  checkMaterials(named, counts);
  require(sum(named.expression_counts.data) === counts.K, "expression_counts: not as many as expression_vertices has");
  require(below(named.expression_vertices.data, counts.V), `expression_vertices: not below ${counts.V}`);
  const hung = named.spring_parents.data.every((parent, joint) => parent < BONES + joint);
  require(hung, "spring_parents: a joint hangs on a bone or on an earlier joint");
  return { named, counts, ...surfaces };
}

/**
 * @param {Record<string, NamedArray>} named
 * @param {Record<string, number>} counts
 */
function checkGeometry(named, counts) {
  require(below(named.joints.data, BONES + counts.J), `joints: not below ${BONES + counts.J}`);
  const weights = singles(named.weights);
  for (let i = 0; i < weights.length; i += 4) {
    const hangs = weights[i] + weights[i + 1] + weights[i + 2] + weights[i + 3] > 0;
    require(hangs, "weights: a vertex hangs on nothing");
  }
  const triangles = named.surface_triangles.data;
  require(sum(triangles) === counts.T, "surface_triangles: they are not as many as there are triangles");
  require(below(named.triangles.data, counts.V), `triangles: not below ${counts.V}`);
  const surfaceOf = new Uint16Array(counts.T);
  let first = 0;
  triangles.forEach((count, number) => {
    surfaceOf.fill(number, first, first + count);
    first += count;
  });
  const owners = new Uint16Array(counts.V);
  const corners = named.triangles.data;
  for (let i = 0; i < corners.length; i++) owners[corners[i]] = surfaceOf[(i / 3) | 0];
  for (let i = 0; i < corners.length; i++) {
    require(owners[corners[i]] === surfaceOf[(i / 3) | 0], "triangles: surfaces share a vertex");
  }
  return { surfaceOf, owners };
}

/**
 * @param {Record<string, NamedArray>} named
 * @param {Record<string, number>} counts
 */
function checkMaterials(named, counts) {
  require(named.surface_textures.data.every((texture) => texture < counts.X), `surface_textures: not below ${counts.X}`);
  let texels = 0;
  const sizes = named.texture_sizes.data;
  for (let i = 0; i < sizes.length; i += 2) texels += sizes[i] * sizes[i + 1];
  require(texels === counts.P, "texels: not as many as texture_sizes says");
  const flags = named.surface_flags.data;
  for (let row = 0; row < flags.length; row += 7) {
    require(row === 0 || flags[row] >= flags[row - 7], "surface_flags: the order is opaque, mask, blend");
    require([1, 2, 3, 6].every((flag) => flags[row + flag] <= 1), "surface_flags: a flag is 0 or 1");
  }
}

/** @param {import("./safetensors_file.js").Numbers} values */
function sum(values) {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i];
  return total;
}

/**
 * @param {import("./safetensors_file.js").Numbers} values
 * @param {number} limit
 */
function below(values, limit) {
  for (let i = 0; i < values.length; i++) if (values[i] >= limit) return false;
  return true;
}
