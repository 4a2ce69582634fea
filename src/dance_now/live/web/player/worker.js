/** The player's worker: opens characters and motions, and draws a moment whenever the page asks for one. */
import { Actor } from "./actor.js";
import { Character } from "./character/character.js";
import { PlayerError } from "./character/player_error.js";
import { readMotion } from "./motion/motion_file.js";
import { readMotionLibrary } from "./motion/motion_library.js";

/**
 * @typedef {object} Request
 * @property {"character" | "motion" | "library" | "turn" | "draw"} type
 * @property {Uint8Array<ArrayBuffer>} [data] of a file
 * @property {string} [title] of a file, or the name of a motion of the library
 * @property {number} [time] seconds
 * @property {number} [side] pixels
 * @property {number} [yaw] degrees
 * @property {number} [pitch] degrees
 */

const code = fetch(new URL("kernel.wasm", import.meta.url)).then(checked);
const library = fetch(new URL("motions.bin", import.meta.url))
  .then(checked)
  .then((data) => readMotionLibrary(new Uint8Array(data)));
// Awaited where they are needed; until then a failure is not lost.
code.catch(() => {});
library.catch(() => {});
/** @type {Character | null} */
let character = null;
/** @type {import("./motion/motion.js").Motion | null} */
let motion = null;
/** @type {Actor | null} */
let actor = null;
const view = { yaw: 0, pitch: 0 };

/** @param {Response} response */
async function checked(response) {
  if (!response.ok) throw new PlayerError(`A part of this page is missing: ${response.url.split("/").pop()}. Run: make player`);
  return response.arrayBuffer();
}

/**
 * What the page is told.
 * @typedef {object} Answer
 * @property {"character" | "motion" | "picture" | "failed"} type
 * @property {string} [title] of the motion
 * @property {string} [name] of the character; and licence, credits and template
 * @property {string} [licence]
 * @property {string} [credits]
 * @property {string} [template]
 * @property {import("./character/surface_drawing.js").Picture | null} [picture]
 * @property {number} [side] of the square that the picture is a part of
 * @property {number} [milliseconds] that drawing took
 * @property {string} [of] type of the request that failed
 * @property {string} [text] one line that says why
 */

/**
 * @param {Request} request
 * @returns {Promise<Answer | null>}
 */
async function answer(request) {
  const { type, data = new Uint8Array(0), title = "" } = request;
  switch (type) {
    case "character": {
      const opened = await Character.open(data, title, await code);
      character = opened;
      stage();
      const { name, licence, credits, template } = opened.file;
      return { type: "character", name, licence, credits, template };
    }
    case "library":
      motion = (await library).get(title) ?? null;
      stage();
      return { type: "motion", title };
    case "motion": {
      const found = await readMotion(data, title);
      if (character) new Actor(character, found); // fails before the motion that plays is given up
      motion = found;
      stage();
      return { type: "motion", title };
    }
    case "turn":
      Object.assign(view, { yaw: request.yaw, pitch: request.pitch });
      actor?.camera.turn(view.yaw, view.pitch);
      return null;
    case "draw":
      return drawn(request.time ?? 0, request.side ?? 512);
  }
}

function stage() {
  actor = character && motion ? new Actor(character, motion) : null;
  actor?.camera.turn(view.yaw, view.pitch);
}

/**
 * @param {number} time
 * @param {number} wanted pixels
 * @returns {Answer}
 */
function drawn(time, wanted) {
  const side = actor?.character.canvasSide(wanted) ?? wanted;
  const started = performance.now();
  const picture = actor?.draw(time, side) ?? null;
  return { type: "picture", picture, side, milliseconds: performance.now() - started };
}

/**
 * @param {Answer} said
 * @param {Transferable[]} moved
 */
function post(said, moved) {
  postMessage(said, { transfer: moved });
}

/** @type {Promise<void>} */
let busy = Promise.resolve();

// One after the other, so that no picture is drawn of what is only half opened.
onmessage = ({ data }) => {
  busy = busy.then(async () => {
    try {
      const said = await answer(data);
      if (said) post(said, said.picture ? [said.picture.pixels.buffer] : []);
    } catch (error) {
      const known = error instanceof PlayerError;
      if (!known) console.error(error);
      const text = known ? error.message : `${data.title ?? "This"} cannot be played (${error}).`;
      post({ type: "failed", of: data.type, text }, []);
    }
  });
};
