/** Bones by their names: the family of rigs that explains most (formats3d/humanoid/skeleton_matching.py). */
import { CENTRE_ALIASES, CENTRE_BONES, FAMILIES, LIMB_BONES, REQUIRED_BONES, SIDED_ALIASES } from "./skeleton_families.js";

/** Bone -> index of its name. @typedef {Record<string, number>} Bones */

const SIDES = ["left", "right"];
const NAME_SPACE = /^.*[:|]/;
const EXPORTERS = /^mixamorig\d*_?|^cc_base_|^bip\d*[ _]|_armature$|^def[-_]|^character\d+_/gi;
/** Sketchfab's _01, Blender's .001, a second .L */
const ENDINGS = [/_\d{1,4}$/, /\.\d{3}$/, /[._][lrLR]$/];
const ALIASES = aliases();
const TABLES = FAMILIES.map(([prefix, sides, centre, limbs]) => ({
  start: new RegExp(prefix ? `^(?:.*[:|])?${prefix}` : NAME_SPACE, "i"),
  isPrefixed: prefix !== "",
  table: tableOf(sides.split(" "), centre.split(" "), limbs.split(" ")),
}));

/**
 * Index of each bone among node names.
 * @param {string[]} names parents before children
 * @returns {Bones}
 */
export function findHumanoidBones(names) {
  /** @type {Bones} */
  let best = {};
  /** @type {Bones} */
  let shared = {};
  let most = -1;
  for (const undo of undoings(names)) {
    const plain = names.map(undo);
    const common = commonBones(plain);
    for (const found of [...TABLES.map((family) => familyBones(family, plain)), common]) {
      const count = REQUIRED_BONES.filter((bone) => bone in found).length;
      if (count > most) [best, shared, most] = [found, common, count];
    }
  }
  const taken = new Set(Object.values(best));
  const missing = Object.entries(shared).filter(([bone, index]) => !(bone in best) && !taken.has(index));
  return { ...best, ...Object.fromEntries(missing) };
}

/** @param {string} name */
function plainName(name) {
  return name
    .replace(/FBXASC(\d{3})/g, (_, code) => String.fromCharCode(Number(code)))
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, "");
}

/**
 * Ways to undo what exporters append to names, the mildest first.
 * @param {string[]} names
 * @returns {((name: string) => string)[]}
 */
function undoings(names) {
  const least = REQUIRED_BONES.length >> 1;
  const endings = ENDINGS.filter((ending) => names.filter((name) => ending.test(name)).length >= least);
  const [first, last] = [names.toSorted()[0] ?? "", names.toSorted().at(-1) ?? ""];
  let same = 0;
  while (same < first.length && first[same] === last[same]) same++;
  const prefix = first.slice(0, same).replace(/[^_:.\- ]*$/, "");
  return [
    (name) => name,
    ...endings.map((ending) => (/** @type {string} */ name) => name.replace(ending, "")),
    ...(prefix ? [(/** @type {string} */ name) => (name.startsWith(prefix) ? name.slice(prefix.length) : name)] : []),
  ];
}

/**
 * Normalised name -> bone, and rank among the bone's names.
 * @param {string[]} marks of the sides
 * @param {string[]} centre
 * @param {string[]} limbs
 */
function tableOf(marks, centre, limbs) {
  /** @type {Map<string, [string, number]>} */
  const table = new Map();
  const enter = (/** @type {string} */ bone, /** @type {string} */ names) =>
    names.split("|").forEach((name, rank) => {
      const plain = plainName(name);
      if (name !== "-" && !table.has(plain)) table.set(plain, [bone, rank]);
    });
  CENTRE_BONES.forEach((bone, place) => enter(bone, centre[place]));
  SIDES.forEach((side, number) =>
    LIMB_BONES.forEach((bone, place) => {
      const names = limbs[place].split("/");
      enter(side + bone, names[names.length > 1 ? number : 0].replaceAll("@", marks[number]).replaceAll("~", side[0]));
    }),
  );
  return table;
}

/**
 * @param {typeof TABLES[number]} family
 * @param {string[]} names
 */
function familyBones({ start, isPrefixed, table }, names) {
  /** @type {Bones} */
  const bones = {};
  /** @type {Record<string, number>} */
  const ranks = {};
  names.forEach((name, index) => {
    const found = isPrefixed && !start.test(name) ? undefined : table.get(plainName(name.replace(start, "")));
    if (!found) return;
    const [bone, rank] = found;
    if (ranks[bone] <= rank) return;
    bones[bone] = index;
    ranks[bone] = rank;
  });
  return bones;
}

/** @param {string[]} names */
function commonBones(names) {
  /** @type {Bones} */
  const bones = {};
  names.forEach((name, index) => {
    const bone = ALIASES.get(plainName(name.replace(NAME_SPACE, "").replace(EXPORTERS, "")));
    if (bone !== undefined) bones[bone] ??= index;
  });
  return bones;
}

function aliases() {
  /** @type {Map<string, string>} */
  const table = new Map();
  for (const [bone, words] of Object.entries(CENTRE_ALIASES)) for (const word of words.split(" ")) table.set(word, bone);
  for (const side of SIDES) {
    for (const [part, words] of Object.entries(SIDED_ALIASES)) {
      for (const word of words.split(" ")) {
        for (const alias of sided(side, word)) if (!table.has(alias)) table.set(alias, side + part);
      }
    }
  }
  return table;
}

/**
 * @param {string} side
 * @param {string} part
 */
function sided(side, part) {
  const letter = side[0];
  return [side + part, part + side, part + letter, letter + part, `jbip${letter}${part}`, `jadj${letter}${part}`];
}
