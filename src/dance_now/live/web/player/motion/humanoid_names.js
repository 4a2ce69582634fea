/** Names of VRM's humanoid bones, and their aliases in other skeletons ; formats3d/humanoid/skeleton_families.py knows more. */
const SIDES = ["left", "right"];
/** @type {Record<string, string>} */
const CENTRE = {
  hips: "hips hip pelvis jbipchips",
  spine: "spine spine01 tummy abdomen jbipcspine",
  chest: "chest spine1 spine02 jbipcchest",
  upperChest: "upperchest spine2 spine03 jbipcupperchest",
  neck: "neck neck01 neck1 jbipcneck",
  head: "head jbipchead",
};
/** @type {Record<string, string>} */
const SIDED = {
  Shoulder: "shoulder clavicle collar",
  UpperArm: "upperarm arm shldr",
  LowerArm: "lowerarm forearm",
  Hand: "hand",
  UpperLeg: "upperleg upleg thigh",
  LowerLeg: "lowerleg leg shin calf",
  Foot: "foot",
  Toes: "toes toebase toe ball",
};

/** Normalised node name -> bone: Mixamo, VRoid, KayKit, Unreal, Rigify, VRM. @type {Map<string, string>} */
const ALIASES = aliases();

function aliases() {
  /** @type {Map<string, string>} */
  const table = new Map();
  for (const [bone, words] of Object.entries(CENTRE)) for (const word of words.split(" ")) table.set(word, bone);
  for (const side of SIDES) {
    for (const [part, words] of Object.entries(SIDED)) {
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

/**
 * Index of each bone among node names; the first node with a matching name wins.
 * @param {string[]} names parents before children
 * @returns {Record<string, number>}
 */
export function findHumanoidBones(names) {
  /** @type {Record<string, number>} */
  const bones = {};
  names.forEach((name, index) => {
    const bone = ALIASES.get(normalisedName(name));
    if (bone !== undefined) bones[bone] ??= index;
  });
  return bones;
}

/** @param {string} name */
function normalisedName(name) {
  return name
    .replace(/^.*[:|]/, "")
    .replace(/^mixamorig\d*_?|^cc_base_|^bip0?1[ _]|_armature$|^def[-_]/gi, "")
    .toLowerCase()
    .replace(/[^a-z0-9]/g, "");
}
