/** Animation clips of glTF 2.0 (.glb) and VRM Animation (.vrma), as formats3d/motion/gltf_animation.py reads them. */
import { PlayerError, require } from "../character/player_error.js";
import { GlbFile } from "./glb_file.js";
import { KINDS, sample, sampleRotation, unitQuaternion } from "./keyframes.js";
import { hasToes, JOINT_NAMES, jointColumns, matchJointNames, requireLimbs } from "./motion_joints.js";
import { IDENTITY, plus, product, quaternionMatrix, turned } from "./vectors.js";

/** @typedef {import("./vectors.js").Vector} Vector */
/** @typedef {import("./vectors.js").Matrix} Matrix */
/** @typedef {import("./keyframes.js").Keyframes} Keyframes */
/** @typedef {{name: string, parent: number, turn: Matrix, shift: Vector, scale: Vector}} Node */
/** Keyframes by node and animated property. @typedef {Map<string, Keyframes>} Clip */

const FRAME_TIME = 1 / 30;
const MOST_SECONDS = 3600;
const MOST_NODES = 20_000;
const MOST_TRANSFORMS = 4_000_000; // nodes times frames
const EXTENSION = "VRMC_vrm_animation";
/** @type {Record<string, number>} */
const WIDTHS = { translation: 3, rotation: 4, scale: 3 };

/**
 * The first clip that moves a file's skeleton, 30 frames a second.
 * @param {Uint8Array} data
 * @param {string} name of the motion
 * @returns {import("./motion_joints.js").JointTracks}
 */
export function readGltfMotion(data, name) {
  try {
    return read(new GlbFile(data), name);
  } catch (error) {
    if (error instanceof PlayerError || !(error instanceof TypeError)) throw error;
    throw new PlayerError("its animation is malformed"); // an entry that is not there, or of another type
  }
}

/**
 * @param {GlbFile} file
 * @param {string} name
 * @returns {import("./motion_joints.js").JointTracks}
 */
function read(file, name) {
  const { nodes, order } = readNodes(file);
  const humanoid = file.document.extensions?.[EXTENSION]?.humanoid?.humanBones;
  const joints = humanoid ? vrmJoints(humanoid, nodes.length) : namedJoints(nodes, order);
  const chain = chainOf(nodes, order, Object.values(joints));
  const clip = file
    .items("animations")
    .map((animation) => readClip(file, animation, new Set(chain)))
    .find((each) => each.size);
  require(clip, "no animation clip moves its skeleton");
  const times = timesOf(clip);
  require(times.length * chain.length <= MOST_TRANSFORMS, "its clips are too long");
  const columns = jointColumns(joints);
  const world = (/** @type {number | null} */ time) => worldOf(nodes, chain, clip, time, columns);
  return {
    name,
    frameTime: FRAME_TIME,
    hasToes: hasToes(joints),
    zero: world(null),
    frames: times.map(world),
    zeroIsReference: Boolean(humanoid),
    keepsWorld: Boolean(humanoid),
  };
}

/** @param {GlbFile} file */
function readNodes(file) {
  const items = file.items("nodes");
  require(items.length > 0 && items.length <= MOST_NODES, `it has ${items.length} nodes`);
  const nodes = items.map(readNode);
  items.forEach((item, index) => {
    for (const child of item.children ?? []) {
      const free = Number.isInteger(child) && nodes[child] && nodes[child].parent < 0;
      require(free, "its node hierarchy is not a tree");
      nodes[child].parent = index;
    }
  });
  const order = nodes.flatMap((node, index) => (node.parent < 0 ? [index] : []));
  for (const index of order) order.push(...(items[index].children ?? [])); // grows while it is walked
  require(order.length === nodes.length, "its node hierarchy has a cycle");
  return { nodes, order };
}

/**
 * @param {any} item
 * @returns {Node}
 */
function readNode(item) {
  const node = { name: String(item.name ?? ""), parent: -1 };
  const f = Math.fround;
  if (item.matrix) {
    const m = item.matrix.map(Number); // columns first
    require(m.length === 16 && m.every(Number.isFinite), "a node's transform is malformed");
    const scale = [0, 4, 8].map((at) => Math.hypot(m[at], m[at + 1], m[at + 2]));
    require(Math.min(...scale) > 1e-6, "a joint has a scale of zero");
    const turn = [0, 1, 2].flatMap((row) => [0, 1, 2].map((column) => f(m[4 * column + row] / scale[column])));
    return { ...node, turn: /** @type {Matrix} */ (turn), shift: triple(m.slice(12, 15)), scale: triple(scale) };
  }
  const [x, y, z, w] = unitQuaternion((item.rotation ?? [0, 0, 0, 1]).map(Number));
  const scale = triple(item.scale ?? [1, 1, 1]);
  require(Math.min(...scale.map(Math.abs)) > 1e-6, "a joint has a scale of zero");
  return { ...node, turn: quaternionMatrix(x, y, z, w), shift: triple(item.translation ?? [0, 0, 0]), scale };
}

/**
 * @param {number[]} values
 * @returns {Vector}
 */
function triple(values) {
  const singles = values.map((value) => Math.fround(Number(value)));
  require(singles.length === 3 && singles.every(Number.isFinite), "a node's transform is malformed");
  return /** @type {Vector} */ (singles);
}

/**
 * @param {Record<string, {node: number}>} bones
 * @param {number} count
 */
function vrmJoints(bones, count) {
  /** @type {Record<string, number>} */
  const joints = {};
  for (const joint of JOINT_NAMES) if (bones[joint]) joints[joint] = bones[joint].node;
  const inside = Object.values(joints).every((node) => Number.isInteger(node) && node >= 0 && node < count);
  require(inside, "a humanoid bone refers to a node that does not exist");
  requireLimbs(joints);
  return joints;
}

/**
 * @param {Node[]} nodes
 * @param {number[]} order
 */
function namedJoints(nodes, order) {
  const found = matchJointNames(order.map((node) => nodes[node].name));
  return Object.fromEntries(Object.entries(found).map(([joint, place]) => [joint, order[place]]));
}

/**
 * Nodes of the joints and all their ancestors, parents before children.
 * @param {Node[]} nodes
 * @param {number[]} order
 * @param {number[]} ends
 */
function chainOf(nodes, order, ends) {
  const chain = new Set();
  for (let node of ends) {
    for (; node >= 0 && !chain.has(node); node = nodes[node].parent) chain.add(node);
  }
  return order.filter((node) => chain.has(node));
}

/**
 * @param {GlbFile} file
 * @param {any} animation
 * @param {Set<number>} chain
 * @returns {Clip}
 */
function readClip(file, animation, chain) {
  /** @type {Clip} */
  const clip = new Map();
  for (const channel of animation.channels ?? []) {
    const { node, path } = channel.target;
    if (!chain.has(node) || !(path in WIDTHS)) continue;
    const sampler = animation.samplers[channel.sampler];
    const [times, output] = [file.accessor(sampler.input), file.accessor(sampler.output)];
    const kind = sampler.interpolation ?? "LINEAR";
    const rows = times.count * (kind === "CUBICSPLINE" ? 3 : 1);
    const rises = times.values.every((time, at) => at === 0 || time > times.values[at - 1]);
    const consistent = KINDS.includes(kind) && output.count === rows && output.width === WIDTHS[path];
    require(consistent && rises && times.width === 1, "the keyframes of a clip are inconsistent");
    clip.set(`${node} ${path}`, { times: times.values, values: output.values, width: output.width, kind });
  }
  return clip;
}

/** @param {Clip} clip */
function timesOf(clip) {
  const keys = [...clip.values()];
  const start = Math.min(...keys.map(({ times }) => times[0]));
  const seconds = Math.max(...keys.map(({ times }) => times[times.length - 1])) - start;
  require(seconds >= 0 && seconds <= MOST_SECONDS, `a clip lasts ${seconds} s`);
  return Array.from({ length: Math.floor(seconds / FRAME_TIME + 1e-6) + 1 }, (_, frame) => start + FRAME_TIME * frame);
}

/**
 * World transforms of the joints at a time, or at rest.
 * @param {Node[]} nodes
 * @param {number[]} chain
 * @param {Clip} clip
 * @param {number | null} time
 * @param {number[]} columns
 */
function worldOf(nodes, chain, clip, time, columns) {
  /** @type {Record<number, {rotation: Matrix, linear: Matrix, position: Vector}>} */
  const world = {};
  const value = (/** @type {number} */ node, /** @type {string} */ path) =>
    time === null ? undefined : clip.get(`${node} ${path}`);
  for (const index of chain) {
    const node = nodes[index];
    const [rotating, moving, scaling] = ["rotation", "translation", "scale"].map((path) => value(index, path));
    const at = time ?? 0;
    let turn = node.turn;
    if (rotating) {
      const [x, y, z, w] = sampleRotation(rotating, at);
      turn = quaternionMatrix(x, y, z, w);
    }
    const shift = moving ? triple(sample(moving, at)) : node.shift;
    const scale = scaling ? triple(sample(scaling, at)) : node.scale;
    const own = /** @type {Matrix} */ (turn.map((part, place) => Math.fround(part * scale[place % 3])));
    const above = world[node.parent] ?? { rotation: IDENTITY, linear: IDENTITY, position: [0, 0, 0] };
    world[index] = {
      rotation: product(above.rotation, turn),
      linear: product(above.linear, own),
      position: plus(above.position, turned(above.linear, shift)),
    };
  }
  return {
    positions: columns.map((column) => world[column].position),
    rotations: columns.map((column) => world[column].rotation),
  };
}
