/** Character files, version 2: checked as character/character_file.py does before anything is drawn. */
import { readBounds } from "./figure_bounds.js";
import { PlayerError, require } from "./player_error.js";
import { readArrays } from "./safetensors_file.js";
import { readSkeleton } from "./skeleton.js";
import { readEntry, zipEntries } from "./zip_file.js";

const SCHEMA = 2;
/** Name of each template, and the latest version of its arrays that is known. @type {Record<string, number>} */
const TEMPLATES = { surface: 1, points: 1, sticks: 1 };
/** @type {Record<string, number>} */
const LIMITS = { "character.json": 1 << 20, "weights.safetensors": 96 << 20, "preview.png": 8 << 20 };
const FILE_LIMIT = (105 << 20) + (1 << 16);
const TEXT_LIMIT = 10_000;
const OLD_NETWORK = "generator.onnx"; // of version 1
const PNG = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const HARMFUL = /[\p{C}\p{Zl}\p{Zp}]/u; // could control a terminal; a line feed is allowed

/**
 * @typedef {object} CharacterFile
 * @property {string} name
 * @property {string} template
 * @property {string} licence
 * @property {string} credits
 * @property {import("./skeleton.js").Skeleton} skeleton
 * @property {import("./figure_bounds.js").FigureBounds | null} bounds
 * @property {Map<string, import("./safetensors_file.js").NamedArray>} arrays
 * @property {Uint8Array<ArrayBuffer>} preview PNG
 */

/**
 * Reads and checks a character file.
 * @param {Uint8Array} file
 * @param {string} title how messages call it
 * @returns {Promise<CharacterFile>}
 * @throws {PlayerError} with one line that says what is wrong
 */
export async function readCharacterFile(file, title) {
  require(file.length <= FILE_LIMIT, `${title} is larger than a character file can be.`);
  try {
    return await read(file);
  } catch (error) {
    if (error instanceof Refusal) throw new PlayerError(`${title} ${error.message}`);
    if (!(error instanceof PlayerError)) throw error;
    throw new PlayerError(`${title} is damaged or not a character file: ${error.message}.`);
  }
}

/** What is wrong with a file that is not damaged; the message goes on after its name. */
class Refusal extends Error {}

/**
 * @param {Uint8Array} file
 * @returns {Promise<CharacterFile>}
 */
async function read(file) {
  const names = Object.keys(LIMITS);
  const entries = zipEntries(file, names.length);
  if (entries.some((entry) => entry.name === OLD_NETWORK)) {
    throw new Refusal("was made by an older dance-now. Run: dance-now convert FILE.dance -o NEW.dance");
  }
  /** @type {Record<string, Uint8Array<ArrayBuffer>>} */
  const members = {};
  for (const name of names) {
    const entry = entries.find((each) => each.name === name);
    require(entry, `it should hold exactly ${names.join(", ")}`);
    members[name] = await readEntry(file, entry, LIMITS[name]);
  }
  const card = parseCard(members["character.json"]);
  for (const name of names.slice(1)) {
    const digest = await sha256(members[name]);
    require(card.sha256[name] === digest, `${name} does not match its checksum`);
  }
  const preview = members["preview.png"];
  require(PNG.every((byte, at) => preview[at] === byte), "preview.png is not a PNG image");
  return { ...card.character, arrays: readArrays(members["weights.safetensors"]), preview };
}

/** @param {Uint8Array<ArrayBuffer>} data */
async function sha256(data) {
  require(globalThis.crypto?.subtle, "this page has to be opened by https, or on this computer, to check it");
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", data));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {Uint8Array} data */
function parseCard(data) {
  const card = parsed(data);
  require(Number.isInteger(card.schema), "character.json: schema should be a number");
  const { template, template_version: version } = card;
  const known = typeof template === "string" && Object.hasOwn(TEMPLATES, template);
  const drawn = known && Number.isInteger(version) && version >= 1 && version <= TEMPLATES[template];
  if (card.schema !== SCHEMA || !drawn) {
    throw new Refusal("was made by a newer dance-now. Update: pip install -U dance-now");
  }
  if (template === "sticks") throw new Refusal("is of the template sticks, which only dance-now itself draws.");
  for (const field of ["name", "version", "licence", "credits"]) {
    const text = card[field];
    const plain = typeof text === "string" && text.length < TEXT_LIMIT && !HARMFUL.test(text.replaceAll("\n", ""));
    require(plain, "character.json: name, version, licence and credits should be plain texts");
  }
  require(/^[a-z0-9][a-z0-9_-]{0,63}$/.test(card.name), "character.json: this cannot be a name");
  require(isObject(card.provenance) && isObject(card.sha256), "character.json: provenance and sha256 should be objects");
  require(isObject(card.skeleton), "character.json: skeleton is missing");
  const skeleton = readSkeleton(card.skeleton);
  const bounds = card.bounds === undefined ? null : readBounds(card.bounds);
  const { name, licence, credits } = card;
  return { character: { name, template, licence, credits, skeleton, bounds }, sha256: card.sha256 };
}

/**
 * @param {Uint8Array} data
 * @returns {Record<string, any>}
 */
function parsed(data) {
  try {
    const card = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(data));
    if (isObject(card)) return card;
  } catch {
    // told below
  }
  throw new PlayerError("character.json is malformed");
}

/** @param {unknown} value */
function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
