// Retargets motions with the player's own modules; test_retargeting.py compares the keypoints with Python's.
// node retarget_motions.mjs PLAYER_FOLDER CHARACTER.dance MOTIONS OUTPUT
// MOTIONS: a packed motion library, a .bvh or a .vrma file. OUTPUT: float32 (frames, 137, 3) + hips, motion by motion.
import { readFile, writeFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";

const [folder, path, source, output] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(`${folder}/${name}`).href);
const { readCharacterFile } = await load("character/character_file.js");
const { BoneRig } = await load("motion/bone_rule.js");
const { perform } = await load("motion/performance.js");
const { readMotion } = await load("motion/motion_file.js");
const { readMotionLibrary } = await load("motion/motion_library.js");

const file = await readCharacterFile(new Uint8Array(await readFile(path)), path);
const rig = new BoneRig(file.skeleton);
const data = new Uint8Array(await readFile(source));
const motions = source.endsWith(".bin") ? await readMotionLibrary(data) : [["", await readMotion(data, source)]];
const parts = [];
const counts = {};
for (const [name, motion] of motions) {
  const { poses, hips } = perform(rig, motion);
  counts[name] = poses.length;
  for (let frame = 0; frame < poses.length; frame++) {
    parts.push(Buffer.from(Float32Array.from([...poses[frame].points, ...hips[frame]]).buffer));
  }
}
await writeFile(output, Buffer.concat(parts));
console.log(JSON.stringify(counts));
