// Finds the joints of lists of names with the player's own modules; null where they are refused.
// node match_names.mjs PLAYER_FOLDER LISTS.json
import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";

const [folder, lists] = process.argv.slice(2);
const { matchJointNames } = await import(pathToFileURL(`${folder}/motion/motion_joints.js`).href);
const found = JSON.parse(await readFile(lists, "utf8")).map((names) => {
  try {
    return matchJointNames(names);
  } catch {
    return null;
  }
});
console.log(JSON.stringify(found));
