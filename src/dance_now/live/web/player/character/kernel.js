/** The drawing kernel as WebAssembly: its functions, and memory for what they read and write. */
import { PlayerError } from "./player_error.js";

const ALIGNMENT = 64;
const PAGE = 65536;

/**
 * The kernel's functions (kernel.h, points.h); pointers are addresses in its memory.
 * @typedef {Record<string, (...values: (number | bigint)[]) => any>} Functions
 */

export class Kernel {
  /** @param {WebAssembly.Instance} instance */
  constructor(instance) {
    const { memory, __heap_base: heap } = /** @type {any} */ (instance.exports);
    this.call = /** @type {Functions} */ (/** @type {unknown} */ (instance.exports));
    this._memory = /** @type {WebAssembly.Memory} */ (memory);
    this._end = aligned(heap.value);
  }

  /**
   * Compiles and starts it.
   * @param {BufferSource} code
   * @returns {Promise<Kernel>}
   */
  static async start(code) {
    try {
      const { instance } = await WebAssembly.instantiate(code, {});
      return new Kernel(instance);
    } catch (error) {
      if (!(error instanceof WebAssembly.CompileError)) throw error;
      throw new PlayerError("This browser has no WebAssembly SIMD. Update it, or use a current Chrome, Firefox or Safari.");
    }
  }

  /**
   * Reserves zeroed memory for good. Views of the memory taken before are gone when it grows.
   * @param {number} bytes
   * @returns {number} address, a multiple of 64
   */
  reserve(bytes) {
    const address = this._end;
    this._end = aligned(address + bytes);
    const missing = this._end - this._memory.buffer.byteLength;
    if (missing > 0) {
      try {
        this._memory.grow(Math.ceil(missing / PAGE));
      } catch {
        throw new PlayerError("This browser has too little memory for this character.");
      }
    }
    return address;
  }

  /**
   * Copies numbers into memory of their own.
   * @param {Float32Array | Float64Array | Int32Array | Uint32Array | Uint16Array | Uint8Array} values
   * @returns {number} address
   */
  keep(values) {
    const address = this.reserve(values.byteLength);
    this.bytes(address, values.byteLength).set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    return address;
  }

  /**
   * @param {number} address
   * @param {number} count
   */
  bytes(address, count) {
    return new Uint8Array(this._memory.buffer, address, count);
  }

  /**
   * @param {number} address
   * @param {number} count
   */
  doubles(address, count) {
    return new Float64Array(this._memory.buffer, address, count);
  }

  /**
   * @param {number} address
   * @param {number} count
   */
  floats(address, count) {
    return new Float32Array(this._memory.buffer, address, count);
  }

  /**
   * @param {number} address
   * @param {number} count
   */
  integers(address, count) {
    return new Int32Array(this._memory.buffer, address, count);
  }
}

/** @param {number} address */
function aligned(address) {
  return Math.ceil(address / ALIGNMENT) * ALIGNMENT;
}

/**
 * Room that replaces a smaller one, with a quarter to spare, since what is reserved is never given back.
 * @param {Kernel} kernel
 * @param {number} least bytes
 */
export function grown(kernel, least) {
  const bytes = least + (least >> 2);
  return { address: kernel.reserve(bytes), bytes };
}
