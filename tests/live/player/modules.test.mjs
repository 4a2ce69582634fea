// The player's modules alone: node --test, with the site's folder in PLAYER.
import assert from "node:assert/strict";
import { test } from "node:test";
import { pathToFileURL } from "node:url";

const load = (name) => import(pathToFileURL(`${process.env.PLAYER}/${name}`).href);
const { sample, sampleRotation } = await load("motion/keyframes.js");
const { matchJointNames } = await load("motion/motion_joints.js");
const { quantile } = await load("motion/motion.js");
const { basis, product, swingRotation, transposed, turned, unit } = await load("motion/vectors.js");
const { readArrays, singles } = await load("character/safetensors_file.js");
const { checkArray } = await load("character/array_limits.js");
const { inflate } = await load("character/zip_file.js");
const { StageCamera } = await load("stage_camera.js");

const close = (a, b, within = 1e-6) => a.forEach((value, at) => assert.ok(Math.abs(value - b[at]) < within, `${a} ${b}`));

test("a swing takes one direction to another, and only there", () => {
  const [from, to] = [unit([1, 2, 3]), unit([-2, 1, 0.5])];
  const turn = swingRotation(from, to);
  close(turned(turn, from), to);
  close(product(turn, transposed(turn)), [1, 0, 0, 0, 1, 0, 0, 0, 1]);
});

test("a basis keeps its x axis and turns y as far as needed", () => {
  close(turned(transposed(basis([2, 0, 0], [1, 3, 0])), [0, 5, 0]), [0, 5, 0]);
});

test("keyframes are clamped, stepped, linear and cubic", () => {
  const times = Float64Array.of(1, 2);
  const line = { times, values: Float64Array.of(0, 10), width: 1, kind: "LINEAR" };
  assert.deepEqual([0, 1.25, 5].map((time) => sample(line, time)[0]), [0, 2.5, 10]);
  assert.equal(sample({ ...line, kind: "STEP" }, 1.9)[0], 0);
  const spline = { times, values: Float64Array.of(0, 0, 0, 0, 10, 0), width: 1, kind: "CUBICSPLINE" };
  assert.equal(sample(spline, 1.5)[0], 5);
});

test("rotations go the shorter way", () => {
  const half = Math.SQRT1_2;
  const values = Float64Array.of(0, 0, 0, 1, 0, 0, -half, -half);
  const middle = sampleRotation({ times: Float64Array.of(0, 1), values, width: 4, kind: "LINEAR" }, 0.5);
  close(middle, [0, 0, Math.sin(Math.PI / 8), Math.cos(Math.PI / 8)]);
});

test("joints are found by the names of many programs", () => {
  const mixamo = ["Hips", "Spine", "Head", ...["Left", "Right"].flatMap((side) =>
    ["Arm", "ForeArm", "Hand", "UpLeg", "Leg", "Foot"].map((part) => side + part))].map((name) => `mixamorig:${name}`);
  assert.equal(matchJointNames(mixamo).leftUpperArm, 3);
  assert.throws(() => matchJointNames(["a", "b"]), /no known skeleton \(first: "a"\)/);
  assert.throws(() => matchJointNames(mixamo.filter((name) => !name.includes("RightHand"))), /has no rightHand/);
});

test("a quantile is numpy's", () => assert.equal(quantile([4, 1, 3, 2], 0.3), 1.9));

test("arrays have to lie where the header says", () => {
  const file = (header, bytes) => {
    const text = new TextEncoder().encode(JSON.stringify(header));
    const data = new Uint8Array(8 + text.length + bytes);
    new DataView(data.buffer).setBigUint64(0, BigInt(text.length), true);
    data.set(text, 8);
    return data;
  };
  const half = { dtype: "F16", shape: [2], data_offsets: [0, 4] };
  const data = file({ a: half }, 4);
  data.set([0x00, 0x3c, 0x01, 0x80], data.length - 4);
  const array = readArrays(data).get("a");
  assert.deepEqual([...singles(array)], [1, -(2 ** -24)]);
  assert.throws(() => readArrays(file({ a: half }, 5)), /belong to no array/);
  assert.throws(() => readArrays(file({ a: { ...half, shape: [3] } }, 4)), /not where the header says/);
  assert.throws(() => readArrays(file({ a: { ...half, dtype: "F64" } }, 4)), /type is not read/);
  assert.throws(() => checkArray("a", array, ["F16", [2], 0], {}, {}), /out of range/);
  assert.throws(() => checkArray("a", array, ["F16", ["N"]], { N: 3 }, { N: [1, 9] }), /should be 3/);
});

test("decompressing stops soon after its limit", async () => {
  const stream = new Blob([new Uint8Array(50e6)]).stream().pipeThrough(new CompressionStream("gzip"));
  const bomb = new Uint8Array(await new Response(stream).arrayBuffer());
  const opened = await inflate(bomb, "gzip", 1e6, "bomb");
  assert.ok(opened.length > 1e6 && opened.length < 4e6);
});

test("the camera stays where the character may be seen from", () => {
  const skeleton = { rest: new Float32Array(411), known: Array(137).fill(true), bounds: [0, 0, 0, 1, 2, 1], height: 2, pitches: [-15, 20] };
  const camera = new StageCamera(skeleton, { extent: { low: 0, high: 1, reach: 1 } });
  camera.turn(450, 80);
  assert.deepEqual([camera.yaw, camera.pitch], [90, 20]);
  camera.turn(0, -80);
  assert.equal(camera.pitch, -15);
  close(camera.up, [0, Math.cos(Math.PI / 12), -Math.sin(Math.PI / 12)]);
});
