/** Motion files that are dropped on the page: BVH, glTF and VRM Animation. */
import { PlayerError, require } from "../character/player_error.js";
import { readBvh } from "./bvh_reader.js";
import { readGltfMotion } from "./gltf_animation.js";
import { alignedMotion } from "./motion.js";

const MOST_BYTES = 256 << 20;

/**
 * Reads, checks and aligns a motion file.
 * @param {Uint8Array} data
 * @param {string} title the file's name
 * @returns {Promise<import("./motion.js").Motion>}
 * @throws {PlayerError} with one line that says what is wrong
 */
export async function readMotion(data, title) {
  const [, name, suffix] = /^(?:.*[\\/])?(.*?)(?:\.([^.]*))?$/s.exec(title) ?? ["", title, ""];
  try {
    require(data.length <= MOST_BYTES, `files up to ${MOST_BYTES >> 20} MB are read`);
    switch (suffix?.toLowerCase()) {
      case "bvh":
        return alignedMotion(readBvh(new TextDecoder().decode(data), name));
      case "vrma":
      case "glb":
        return alignedMotion(readGltfMotion(data, name));
      default:
        throw new PlayerError("drop a .dance, .bvh, .vrma or .glb file");
    }
  } catch (error) {
    if (error instanceof PlayerError) throw new PlayerError(`${title}: ${error.message}.`);
    throw error;
  }
}
