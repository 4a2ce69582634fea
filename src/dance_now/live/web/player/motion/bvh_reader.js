/** Reads BVH motions (Biovision hierarchy), as formats3d/motion/bvh_reader.py does. */
import { PlayerError, require } from "../character/player_error.js";
import { hasToes, jointColumns, matchJointNames } from "./motion_joints.js";
import { IDENTITY, plus, product, turned } from "./vectors.js";

/** @typedef {import("./vectors.js").Vector} Vector */
/** @typedef {import("./vectors.js").Matrix} Matrix */
/** @typedef {{name: string, parent: number, offset: Vector, channels: string[]}} Joint */

const f = Math.fround;
const MOST_JOINTS = 1000;
const MOST_DEPTH = 200;
const MOST_FRAMES = 1_000_000;
const MOST_VALUES = 8_000_000;

/**
 * @param {string} text
 * @param {string} name of the motion
 * @returns {import("./motion_joints.js").JointTracks}
 */
export function readBvh(text, name) {
  const plain = text.replace(/^\ufeff/, "").replaceAll("\r\n", "\n").replace(/^[ \t]*#.*$/gm, "");
  const middle = /(?<!\S)MOTION\s+(?=Frames\b)/i.exec(plain);
  require(middle && /^\s*HIERARCHY\s/.test(plain), "it is not a BVH motion (no HIERARCHY and MOTION)");
  const joints = new Hierarchy(plain.slice(0, middle.index)).joints;
  const { frames, frameTime, numbers } = readFrames(plain.slice(middle.index + middle[0].length), joints);
  const found = matchJointNames(joints.map((joint) => joint.name));
  const columns = jointColumns(found);
  const count = numbers.length / frames;
  const travelling = travellingJoints(joints);
  const world = (/** @type {Float32Array | null} */ values) => worldOf(joints, values, columns, travelling);
  return {
    name,
    frameTime,
    hasToes: hasToes(found),
    zero: world(null),
    frames: Array.from({ length: frames }, (_, row) => world(numbers.subarray(row * count, (row + 1) * count))),
    zeroIsReference: false,
    keepsWorld: false,
  };
}

/**
 * @param {string} body
 * @param {Joint[]} joints
 */
function readFrames(body, joints) {
  const lines = /^\s*Frames\s*:\s*(\d+)\s*\n\s*Frame Time\s*:\s*([0-9.,eE+-]+)[^\S\n]*(?:\n|$)/i.exec(body);
  require(lines, "damaged BVH ('Frames:' and 'Frame Time:' expected)");
  const [frames, frameTime] = [Number(lines[1]), Number(lines[2].replace(",", "."))];
  const count = joints.reduce((sum, joint) => sum + joint.channels.length, 0);
  const usable = frames > 0 && frames <= MOST_FRAMES && frameTime > 1e-5 && frameTime < 10 && count > 0;
  require(usable, `damaged BVH (${frames} frames of ${frameTime} s with ${count} channels)`);
  const many = frames * Math.max(count, joints.length) > MOST_VALUES;
  require(!many, `${frames} frames of ${joints.length} joints are too many`);
  const numbers = new Float32Array(frames * count);
  const words = /\S+/g;
  words.lastIndex = lines[0].length;
  const values = body.slice(lines[0].length);
  const text = lines[0] + (values.includes(",") && !values.includes(".") ? values.replaceAll(",", ".") : values);
  let found = 0;
  for (let word = words.exec(text); word && found < numbers.length; word = words.exec(text)) {
    numbers[found] = Number(word[0]);
    require(Number.isFinite(numbers[found]), `damaged BVH (frame ${Math.floor(found / count)} has values that are not finite)`);
    found++;
  }
  const enough = found >= Math.max(frames - 1, 1) * count; // a last frame that is cut short is left out
  require(enough, `damaged BVH (${numbers.length} values expected, ${found} found)`);
  const whole = Math.floor(found / count);
  return { frames: whole, frameTime, numbers: numbers.subarray(0, whole * count) };
}

/**
 * Joints whose positions count: the roots, and those below them down to the first that branches.
 * @param {Joint[]} joints
 */
function travellingJoints(joints) {
  const children = joints.map((_, index) => joints.filter((joint) => joint.parent === index).length);
  /** @type {Set<number>} */
  const found = new Set();
  joints.forEach(({ parent }, index) => {
    if (parent < 0 || (found.has(parent) && children[parent] === 1)) found.add(index);
  });
  return found;
}

/**
 * World transforms of the joints in one frame, or in the zero pose.
 * @param {Joint[]} joints
 * @param {Float32Array | null} values of the channels
 * @param {number[]} columns
 * @param {Set<number>} travelling
 */
function worldOf(joints, values, columns, travelling) {
  /** @type {Matrix[]} */
  const rotations = [];
  /** @type {Vector[]} */
  const positions = [];
  let at = 0;
  joints.forEach(({ parent, offset, channels }, index) => {
    let local = IDENTITY;
    /** @type {Vector} */
    const place = [...offset];
    for (const channel of channels) {
      const value = values ? values[at] : 0;
      const axis = channel.charCodeAt(0) - "X".charCodeAt(0);
      if (channel.endsWith("rotation")) local = product(local, axisRotation(axis, f(value * f(Math.PI / 180))));
      else if (travelling.has(index) && values) place[axis] = value;
      at++;
    }
    rotations[index] = parent < 0 ? local : product(rotations[parent], local);
    positions[index] = parent < 0 ? place : plus(positions[parent], turned(rotations[parent], place));
  });
  return { positions: columns.map((column) => positions[column]), rotations: columns.map((column) => rotations[column]) };
}

/**
 * @param {number} axis
 * @param {number} angle radians
 * @returns {Matrix}
 */
function axisRotation(axis, angle) {
  const [first, second] = [(axis + 1) % 3, (axis + 2) % 3];
  const [cosine, sine] = [f(Math.cos(angle)), f(Math.sin(angle))];
  const result = /** @type {Matrix} */ ([...IDENTITY]);
  result[4 * first] = result[4 * second] = cosine;
  result[3 * first + second] = -sine;
  result[3 * second + first] = sine;
  return result;
}

/** Parser of the HIERARCHY section. */
class Hierarchy {
  /** @param {string} text */
  constructor(text) {
    this._tokens = text.replaceAll("{", " { ").replaceAll("}", " } ").trim().split(/\s+/);
    this._at = 1; // after HIERARCHY
    /** @type {Joint[]} */
    this.joints = [];
    while (this._at < this._tokens.length) {
      const token = this._next();
      require(token === "ROOT", `damaged BVH (ROOT expected, '${token.slice(0, 40)}' found)`);
      this._joint(-1, 0);
    }
    require(this.joints.length, "damaged BVH (no joints)");
  }

  _next() {
    const token = this._tokens[this._at++];
    if (token === undefined) throw new PlayerError("damaged BVH (it ends too early)");
    return token;
  }

  /**
   * @param {number} parent
   * @param {number} depth
   */
  _joint(parent, depth) {
    require(depth <= MOST_DEPTH && this.joints.length < MOST_JOINTS, "damaged BVH (too many joints)");
    const index = this.joints.length;
    /** @type {Joint} */
    const joint = { name: this._name(), parent, offset: [0, 0, 0], channels: [] };
    this.joints.push(joint);
    let placed = false;
    for (let token = this._next(); token !== "}"; token = this._next()) {
      if (token === "OFFSET") joint.offset = this._vector();
      else if (token === "CHANNELS") joint.channels = this._channels();
      else if (token === "JOINT") this._joint(index, depth + 1);
      else if (token === "End") this._endSite();
      else throw new PlayerError(`damaged BVH ('${token.slice(0, 40)}' in a joint)`);
      placed ||= token === "OFFSET";
    }
    require(placed, "damaged BVH (a joint without OFFSET)");
  }

  /** Everything up to the brace, since some programs write names with spaces. */
  _name() {
    const words = [];
    for (let token = this._next(); token !== "{"; token = this._next()) words.push(token);
    return words.join(" ");
  }

  /** @returns {Vector} */
  _vector() {
    const [x, y, z] = [f(Number(this._next())), f(Number(this._next())), f(Number(this._next()))];
    require([x, y, z].every(Number.isFinite), "damaged BVH (an OFFSET that is not finite)");
    return [x, y, z];
  }

  _channels() {
    const count = Number(this._next());
    const counted = Number.isInteger(count) && count >= 0 && count <= 6;
    require(counted, "damaged BVH (a joint with an unknown number of channels)");
    const channels = Array.from({ length: count }, () => this._next()).map((token) => token[0].toUpperCase() + token.slice(1).toLowerCase());
    const known = channels.every((channel) => /^[XYZ](position|rotation)$/.test(channel));
    require(known, "damaged BVH (unknown channels)");
    return channels;
  }

  _endSite() {
    this._name();
    for (let token = this._next(); token !== "}"; token = this._next()) {
      require(token === "OFFSET", "damaged BVH (in an End Site)");
      this._vector();
    }
  }
}
