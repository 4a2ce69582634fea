/** What is wrong with a file or this browser, in one line for whoever looks at the page. */
export class PlayerError extends Error {}

/**
 * Throws unless a condition holds.
 * @param {unknown} condition
 * @param {string} message
 * @returns {asserts condition}
 */
export function require(condition, message) {
  if (!condition) throw new PlayerError(message);
}
