/** Zip archives of a few members, with every size checked before it is believed (APPNOTE.TXT 4.3). */
import { PlayerError, require } from "./player_error.js";

const END_BYTES = 22;
const LOCATOR_BYTES = 20;
const END_SIGNATURE = 0x06054b50;
const LOCATOR_SIGNATURE = 0x07064b50;
const ENTRY_SIGNATURE = 0x02014b50;
const LOCAL_SIGNATURE = 0x04034b50;
const DIRECTORY_LIMIT = 1 << 12;
const NEWEST_VERSION = 63; // of zip
const STORED = 0;
const DEFLATED = 8;
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/**
 * @typedef {object} Entry
 * @property {string} name
 * @property {number} method
 * @property {boolean} encrypted
 * @property {number} crc
 * @property {number} size compressed bytes
 * @property {number} start of the local header
 */

/**
 * Members of an archive that should hold exactly `count` of them, without a comment.
 * @param {Uint8Array} file
 * @param {number} count
 * @returns {Entry[]}
 */
export function zipEntries(file, count) {
  require(file.length >= END_BYTES, "it is too short");
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const end = file.length - END_BYTES;
  const commented = view.getUint32(end, true) !== END_SIGNATURE || view.getUint16(end + 20, true) !== 0;
  const large = end >= LOCATOR_BYTES && view.getUint32(end - LOCATOR_BYTES, true) === LOCATOR_SIGNATURE;
  require(!commented && !large, "its end is not that of a character file");
  const [here, all] = [view.getUint16(end + 8, true), view.getUint16(end + 10, true)];
  const size = view.getUint32(end + 12, true);
  require(here === count && all === count && size <= DIRECTORY_LIMIT, `it should hold exactly ${count} files`);
  const first = end - size; // whatever precedes the archive shifts all of it
  const shift = first - view.getUint32(end + 16, true);
  require(first >= 0 && shift >= 0, "its directory is cut off");
  const entries = [];
  for (let at = first; entries.length < count; ) {
    require(at + 46 <= end && view.getUint32(at, true) === ENTRY_SIGNATURE, "its directory is damaged");
    const nameBytes = view.getUint16(at + 28, true);
    const next = at + 46 + nameBytes + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    require(next <= end && view.getUint8(at + 6) <= NEWEST_VERSION, "its directory is damaged");
    entries.push({
      name: new TextDecoder().decode(file.subarray(at + 46, at + 46 + nameBytes)),
      method: view.getUint16(at + 10, true),
      encrypted: (view.getUint16(at + 8, true) & 1) !== 0,
      crc: view.getUint32(at + 16, true),
      size: view.getUint32(at + 20, true),
      start: view.getUint32(at + 42, true) + shift,
    });
    at = next;
  }
  return entries;
}

/**
 * The bytes of a member; the size in its header is not trusted.
 * @param {Uint8Array} file
 * @param {Entry} entry
 * @param {number} limit most bytes
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
export async function readEntry(file, entry, limit) {
  require(entry.method === STORED || entry.method === DEFLATED, `${entry.name} has an unsupported compression method`);
  require(!entry.encrypted, `${entry.name} is encrypted`);
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  require(
    entry.start + 30 <= file.length && view.getUint32(entry.start, true) === LOCAL_SIGNATURE,
    `${entry.name} is not where the directory says`,
  );
  const first = entry.start + 30 + view.getUint16(entry.start + 26, true) + view.getUint16(entry.start + 28, true);
  require(first + entry.size <= file.length, `${entry.name} is cut off`);
  const name = new TextDecoder().decode(file.subarray(entry.start + 30, entry.start + 30 + view.getUint16(entry.start + 26, true)));
  require(name === entry.name, `${entry.name} has another name where it lies`);
  const packed = file.slice(first, first + entry.size);
  const tooLarge = `${entry.name} is larger than ${limit >> 20} MB`;
  require(entry.method === DEFLATED || packed.length <= limit, tooLarge);
  const data = entry.method === STORED ? packed : await inflate(packed, "deflate-raw", limit, entry.name);
  require(data.length <= limit, tooLarge);
  require(crc32(data) === entry.crc, `${entry.name} does not match its checksum`);
  return data;
}

/**
 * Decompresses at most one chunk more than `limit` bytes.
 * @param {Uint8Array<ArrayBuffer>} packed
 * @param {CompressionFormat} format
 * @param {number} limit
 * @param {string} name for messages
 * @returns {Promise<Uint8Array<ArrayBuffer>>} longer than `limit` where there was more
 */
export async function inflate(packed, format, limit, name) {
  require(typeof DecompressionStream === "function", "this browser cannot decompress. Update it");
  const reader = new Blob([packed]).stream().pipeThrough(new DecompressionStream(format)).getReader();
  const chunks = [];
  let size = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      chunks.push(value);
      size += value.length;
      if (size > limit) {
        reader.cancel().catch(() => {});
        break;
      }
    }
  } catch {
    throw new PlayerError(`${name} cannot be decompressed`);
  }
  const data = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    data.set(chunk, at);
    at += chunk.length;
  }
  return data;
}

/** @param {Uint8Array} data */
function crc32(data) {
  let value = 0xffffffff;
  for (let i = 0; i < data.length; i++) value = CRC_TABLE[(value ^ data[i]) & 0xff] ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}
