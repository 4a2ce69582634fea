// Opens files as the player does and says what it makes of each; test_bad_files.py compares that with Python.
// node judge_files.mjs PLAYER_FOLDER FILE...   -> a JSON list: null where a file is accepted, else what is said
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, ...paths] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(`${folder}/${name}`).href);
const { Character } = await load("character/character.js");
const { PlayerError } = await load("character/player_error.js");
const { readMotion } = await load("motion/motion_file.js");
const code = await readFile(`${folder}/kernel.wasm`);
const said = [];
for (const path of paths) {
  const data = new Uint8Array(await readFile(path));
  try {
    if (path.endsWith(".dance")) await Character.open(data, basename(path), code);
    else await readMotion(data, basename(path));
    said.push(null);
  } catch (error) {
    said.push(error instanceof PlayerError ? error.message : `not foreseen: ${error.stack}`);
  }
}
console.log(JSON.stringify(said));
