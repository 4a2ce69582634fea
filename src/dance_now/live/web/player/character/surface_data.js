/** A surface character as the kernel reads it (character/templates/surface_data.py). */
import { singles } from "./safetensors_file.js";

/** @typedef {import("./surface_arrays.js").SurfaceArrays} SurfaceArrays */
/** @typedef {import("./kernel.js").Kernel} Kernel */

const f = Math.fround;
const ENCODE_STEPS = 4096;
const MATCAP_EDGE = 128;
const RECORD_WORDS = 47; // of `Surface`: 30 floats, 17 integers

/**
 * Addresses of `Model` and `Springs`, and their counts.
 * @typedef {{model: number, springs: number, counts: Record<string, number>, blends: boolean}} SurfaceData
 */

/**
 * @param {Kernel} kernel
 * @param {SurfaceArrays} arrays
 * @returns {SurfaceData}
 */
export function keepSurface(kernel, arrays) {
  const { named, counts } = arrays;
  const { levels, chains, texels } = levelTable(named.texture_sizes.data);
  const { decode, thresholds, guesses } = transferTables();
  const keep = (/** @type {string} */ name) => kernel.keep(singles(named[name]));
  const outline = named.surface_outline.data;
  const width = (/** @type {number} */ place) =>
    kernel.keep(Float32Array.from(arrays.owners, (owner) => outline[6 * owner + place]));
  const pointers = [
    keep("positions"),
    keep("normals"),
    keep("outline_normals"),
    keep("uv"),
    kernel.keep(named.joints.data),
    kernel.keep(normalised(singles(named.weights))),
    width(4),
    width(5),
    kernel.keep(named.triangles.data),
    kernel.keep(arrays.surfaceOf),
    kernel.keep(surfaceRecords(arrays, chains)),
    kernel.keep(levels),
    kernel.reserve(8 * (texels + 1)),
    keep("face_solve"),
    kernel.keep(named.expression_counts.data),
    kernel.keep(named.expression_vertices.data),
    keep("expression_offsets"),
    keep("expression_normals"),
    kernel.keep(decode),
    kernel.keep(Uint16Array.from(decode, (value) => roundEven(f(value * 65535)))),
    kernel.keep(thresholds),
    kernel.keep(guesses),
  ];
  const model = kernel.keep(Int32Array.from([counts.V, counts.T, counts.M, counts.E, ...pointers]));
  fillLevels(kernel, model, arrays, levels, chains, pointers[11], pointers[12]);
  const blends = named.surface_flags.data.some((flag, at) => at % 7 === 0 && flag === 2);
  return { model, springs: keepSprings(kernel, arrays), counts, blends };
}

/**
 * @param {Kernel} kernel
 * @param {SurfaceArrays} arrays
 */
function keepSprings(kernel, { named, counts }) {
  const joints = ["spring_parents", "spring_points", "spring_forces"];
  const colliders = ["collider_bones", "collider_points", "collider_radii", "spring_colliders"];
  const pointers = [...joints, ...colliders].map((name) => kernel.keep(named[name].data));
  return kernel.keep(Int32Array.from([counts.J, counts.C, ...pointers]));
}

/**
 * Levels' first texels, widths and heights; textures' first levels and numbers of them; texels in all.
 * @param {ArrayLike<number>} sizes
 */
function levelTable(sizes) {
  /** @type {number[]} */
  const rows = [];
  /** @type {[number, number][]} */
  const chains = [];
  let texels = 0;
  for (let at = 0; at < sizes.length; at += 2) {
    const first = rows.length / 3;
    let [width, height] = [sizes[at], sizes[at + 1]];
    for (;;) {
      rows.push(texels, width, height);
      texels += width * height;
      if (width === 1 && height === 1) break;
      width = Math.max(width >> 1, 1);
      height = Math.max(height >> 1, 1);
    }
    chains.push([first, rows.length / 3 - first]);
  }
  return { levels: Int32Array.from(rows.length ? rows : [0, 1, 1]), chains, texels };
}

/**
 * Makes the textures' reduced levels, and linear light of all.
 * @param {Kernel} kernel
 * @param {number} model
 * @param {SurfaceArrays} arrays
 * @param {Int32Array} levels
 * @param {[number, number][]} chains
 * @param {number} table address of the levels
 * @param {number} target address of the texels
 */
function fillLevels(kernel, model, { named }, levels, chains, table, target) {
  const texels = kernel.keep(named.texels.data);
  let largest = 0;
  for (const [first] of chains) largest = Math.max(largest, levels[3 * first + 1] * levels[3 * first + 2]);
  const rooms = [kernel.reserve(4 * largest), kernel.reserve(4 * largest)];
  let start = 0;
  for (const [first, count] of chains) {
    let level = texels + 4 * start;
    start += levels[3 * first + 1] * levels[3 * first + 2];
    for (let number = first; number < first + count; number++) {
      if (number > first) {
        const halved = rooms[number & 1];
        kernel.call.halve_texels(model, table + 12 * (number - 1), level, halved);
        level = halved;
      }
      const size = 4 * levels[3 * number + 1] * levels[3 * number + 2];
      kernel.call.decode_texels(model, BigInt(size), level, target + 8 * levels[3 * number]);
    }
  }
}

/**
 * `Surface` of each material.
 * @param {SurfaceArrays} arrays
 * @param {[number, number][]} chains
 */
function surfaceRecords({ named, counts }, chains) {
  const records = new Float32Array(RECORD_WORDS * counts.M);
  const integers = new Int32Array(records.buffer);
  let first = 0;
  for (let number = 0; number < counts.M; number++) {
    const at = RECORD_WORDS * number;
    const row = (/** @type {string} */ name, /** @type {number} */ width) =>
      named[name].data.subarray(width * number, width * (number + 1));
    const [rim, matcap, outline] = [row("surface_rim", 5), row("surface_matcap", 3), row("surface_outline", 6)];
    const colors = [row("surface_base", 4), row("surface_shade", 3), row("surface_emission", 3)];
    [...colors, rim.subarray(0, 3), matcap, outline.subarray(0, 3)].forEach((color, place) => records.set(color, at + 4 * place));
    const [low, high] = row("surface_ramp", 2);
    records.set([low, f(1 / Math.max(f(high - low), f(1e-4))), Math.max(rim[3], f(1e-3)), rim[4], outline[3]], at + 24);
    records[at + 29] = named.surface_cutoff.data[number];
    const [base, shade, sphere] = row("surface_textures", 3);
    const triangles = named.surface_triangles.data[number];
    const hasRim = rim.subarray(0, 3).some((value) => value !== 0);
    const outlined = outline[4] > 0 || outline[5] > 0;
    const textures = [...(chains[base] ?? [-1, 0]), ...(chains[shade] ?? [-1, 0])];
    const [level, shown] = matcapLevel(named, chains, sphere, matcap);
    integers.set([first, triangles, ...textures, level, ...row("surface_flags", 7), +hasRim, shown, +outlined], at + 30);
    first += triangles;
  }
  return records;
}

/**
 * Level at which a matcap is read, and whether it shows.
 * @param {SurfaceArrays["named"]} named
 * @param {[number, number][]} chains
 * @param {number} texture
 * @param {ArrayLike<number>} factor
 */
function matcapLevel(named, chains, texture, factor) {
  if (texture < 0) return [0, 0];
  const sizes = named.texture_sizes.data;
  const excess = Math.max(sizes[2 * texture], sizes[2 * texture + 1]) / MATCAP_EDGE;
  const [first, count] = chains[texture];
  const level = first + Math.min(count - 1, Math.max(0, Math.ceil(Math.log2(excess))));
  return [level, +Array.from(factor).some((value) => value !== 0)];
}

/**
 * Rows of four weights that sum to 1.
 * @param {Float32Array} weights
 */
function normalised(weights) {
  for (let at = 0; at < weights.length; at += 4) {
    const total = f(f(f(weights[at] + weights[at + 1]) + weights[at + 2]) + weights[at + 3]);
    for (let i = at; i < at + 4; i++) weights[i] = f(weights[i] / total);
  }
  return weights;
}

/** The sRGB transfer function (IEC 61966-2-1) as tables; see surface_data.py. */
function transferTables() {
  const linear = (/** @type {number} */ encoded) =>
    encoded <= 0.04045 ? encoded / 12.92 : ((encoded + 0.055) / 1.055) ** 2.4;
  const decode = Float32Array.from({ length: 256 }, (_, byte) => linear(byte / 255));
  const thresholds = Float32Array.from({ length: 257 }, (_, byte) => (byte ? linear((byte - 0.5) / 255) : 0));
  thresholds[256] = Infinity;
  const guesses = new Uint8Array(ENCODE_STEPS + 1);
  for (let step = 0, byte = 0; step <= ENCODE_STEPS; step++) {
    while (byte < 255 && thresholds[byte + 1] <= step / ENCODE_STEPS) byte++;
    guesses[step] = byte;
  }
  return { decode, thresholds, guesses };
}

/** @param {number} value not negative; halves go to the even neighbour */
function roundEven(value) {
  const whole = Math.floor(value);
  const rest = value - whole;
  return rest > 0.5 || (rest === 0.5 && whole % 2 === 1) ? whole + 1 : whole;
}
