// Draws poses with the player's own modules and prints a digest of each picture; test_pixels.py compares them.
// node draw_poses.mjs PLAYER_FOLDER CHARACTER.dance POSES SIDE   (POSES: float32 (n, 137, 4), raw)
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";

const [folder, path, poses, side, output] = process.argv.slice(2);
const { Character } = await import(pathToFileURL(`${folder}/character/character.js`).href);
const code = await readFile(`${folder}/kernel.wasm`);
const character = await Character.open(new Uint8Array(await readFile(path)), path, code);
const bytes = await readFile(poses);
const numbers = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
const size = Number(side);
const digests = [];
const whole = new Uint8Array(4 * size * size);
const pictures = [];
let spent = 0;
for (let at = 0; at < numbers.length; at += 4 * 137) {
  const start = performance.now();
  const picture = character.draw(numbers.subarray(at, at + 4 * 137), size);
  spent += performance.now() - start;
  whole.fill(0);
  for (let row = 0; picture && row < picture.height; row++) {
    const line = picture.pixels.subarray(4 * row * picture.width, 4 * (row + 1) * picture.width);
    whole.set(line, 4 * ((picture.top + row) * size + picture.left));
  }
  digests.push(createHash("sha256").update(whole).digest("hex"));
  if (output) pictures.push(whole.slice());
}
if (output) await writeFile(output, Buffer.concat(pictures));
console.log(JSON.stringify({ digests, milliseconds: spent / digests.length }));
