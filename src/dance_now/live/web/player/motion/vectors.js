/**
 * Vectors and rotations in single precision: each step rounds as numpy does with float32, so that what is
 * computed from a character's skeleton has the same bits here and in Python.
 */

/** @typedef {[number, number, number]} Vector */
/** Rotation, rows first. @typedef {[number, number, number, number, number, number, number, number, number]} Matrix */

const f = Math.fround;
const LEAST_LENGTH = f(1e-8);

/** @type {Matrix} */
export const IDENTITY = [1, 0, 0, 0, 1, 0, 0, 0, 1];

/**
 * Row of an array of vectors.
 * @param {ArrayLike<number>} array
 * @param {number} row
 * @returns {Vector}
 */
export function vectorAt(array, row) {
  return [array[3 * row], array[3 * row + 1], array[3 * row + 2]];
}

/**
 * @param {Vector} a
 * @param {Vector} b
 * @returns {Vector}
 */
export function minus(a, b) {
  return [f(a[0] - b[0]), f(a[1] - b[1]), f(a[2] - b[2])];
}

/**
 * @param {Vector} a
 * @param {Vector} b
 * @returns {Vector}
 */
export function plus(a, b) {
  return [f(a[0] + b[0]), f(a[1] + b[1]), f(a[2] + b[2])];
}

/**
 * @param {Vector} a
 * @param {number} factor
 * @returns {Vector}
 */
export function times(a, factor) {
  return [f(a[0] * factor), f(a[1] * factor), f(a[2] * factor)];
}

/**
 * @param {Vector} a
 * @param {Vector} b
 */
export function dot(a, b) {
  return f(f(f(a[0] * b[0]) + f(a[1] * b[1])) + f(a[2] * b[2]));
}

/**
 * @param {Vector} a
 * @param {Vector} b
 * @returns {Vector}
 */
export function cross(a, b) {
  return [
    f(f(a[1] * b[2]) - f(a[2] * b[1])),
    f(f(a[2] * b[0]) - f(a[0] * b[2])),
    f(f(a[0] * b[1]) - f(a[1] * b[0])),
  ];
}

/** @param {Vector} a */
export function length(a) {
  return f(Math.sqrt(dot(a, a)));
}

/**
 * Of length 1; a vector of length 0 stays 0.
 * @param {Vector} a
 * @returns {Vector}
 */
export function unit(a) {
  const size = Math.max(length(a), LEAST_LENGTH);
  return [f(a[0] / size), f(a[1] / size), f(a[2] / size)];
}

/**
 * Orthonormal basis with columns x, y, z; y is `towards` made orthogonal to x.
 * @param {Vector} across
 * @param {Vector} towards
 * @returns {Matrix}
 */
export function basis(across, towards) {
  const x = unit(across);
  const z = unit(cross(x, towards));
  const y = cross(z, x);
  return [x[0], y[0], z[0], x[1], y[1], z[1], x[2], y[2], z[2]];
}

/**
 * Smallest rotation that takes one direction to another.
 * @param {Vector} start
 * @param {Vector} end
 * @returns {Matrix}
 */
export function swingRotation(start, end) {
  const a = unit(start);
  const b = unit(end);
  const way = cross(a, b);
  const cosine = Math.max(f(1 + dot(a, b)), f(1e-6));
  const squares = f(f(f(f(cosine * cosine) + f(way[0] * way[0])) + f(way[1] * way[1])) + f(way[2] * way[2]));
  const size = f(Math.sqrt(squares));
  return quaternionMatrix(f(way[0] / size), f(way[1] / size), f(way[2] / size), f(cosine / size));
}

/**
 * Rotation of a unit quaternion.
 * @param {number} x
 * @param {number} y
 * @param {number} z
 * @param {number} w
 * @returns {Matrix}
 */
export function quaternionMatrix(x, y, z, w) {
  const [xx, yy, zz] = [f(x * x), f(y * y), f(z * z)];
  const [xy, xz, yz] = [f(x * y), f(x * z), f(y * z)];
  const [wx, wy, wz] = [f(x * w), f(y * w), f(z * w)];
  return [
    f(1 - f(2 * f(yy + zz))),
    f(2 * f(xy - wz)),
    f(2 * f(xz + wy)),
    f(2 * f(xy + wz)),
    f(1 - f(2 * f(xx + zz))),
    f(2 * f(yz - wx)),
    f(2 * f(xz - wy)),
    f(2 * f(yz + wx)),
    f(1 - f(2 * f(xx + yy))),
  ];
}

/**
 * @param {Matrix} a
 * @param {Matrix} b
 * @returns {Matrix}
 */
export function product(a, b) {
  const result = /** @type {Matrix} */ ([0, 0, 0, 0, 0, 0, 0, 0, 0]);
  for (let row = 0; row < 9; row += 3)
    for (let column = 0; column < 3; column++)
      result[row + column] = f(a[row] * b[column] + a[row + 1] * b[3 + column] + a[row + 2] * b[6 + column]);
  return result;
}

/**
 * @param {Matrix} a
 * @returns {Matrix}
 */
export function transposed(a) {
  return [a[0], a[3], a[6], a[1], a[4], a[7], a[2], a[5], a[8]];
}

/**
 * @param {Matrix} a
 * @param {Vector} v
 * @returns {Vector}
 */
export function turned(a, v) {
  return [
    f(a[0] * v[0] + a[1] * v[1] + a[2] * v[2]),
    f(a[3] * v[0] + a[4] * v[1] + a[5] * v[2]),
    f(a[6] * v[0] + a[7] * v[1] + a[8] * v[2]),
  ];
}

/**
 * Column of a rotation.
 * @param {Matrix} a
 * @param {number} number
 * @returns {Vector}
 */
export function column(a, number) {
  return [a[number], a[3 + number], a[6 + number]];
}

/**
 * Rotation about y.
 * @param {number} angle radians
 * @returns {Matrix}
 */
export function aboutY(angle) {
  const [cosine, sine] = [f(Math.cos(angle)), f(Math.sin(angle))];
  return [cosine, 0, sine, 0, 1, 0, f(-sine), 0, cosine];
}

/**
 * Rotation about x.
 * @param {number} angle radians
 * @returns {Matrix}
 */
export function aboutX(angle) {
  const [cosine, sine] = [f(Math.cos(angle)), f(Math.sin(angle))];
  return [1, 0, 0, 0, cosine, f(-sine), 0, sine, cosine];
}
