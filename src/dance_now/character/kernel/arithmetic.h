/* Small arithmetic that every stage shares. No libm: polynomials of our own give the same bits everywhere. */
#ifndef DANCE_NOW_ARITHMETIC_H
#define DANCE_NOW_ARITHMETIC_H

#include "kernel.h"

/* Four floats of a vector register (GCC and Clang; SSE2, NEON, WebAssembly SIMD). */
typedef float Float4 __attribute__((vector_size(16)));
typedef int32_t Int4 __attribute__((vector_size(16)));
/* The same where it lies in an array of floats, which promises no alignment. */
typedef float UnalignedFloat4 __attribute__((vector_size(16), aligned(4), may_alias));

#define ALWAYS_INLINE inline __attribute__((always_inline))

static inline Float4 load4(const float *from) { return *(const UnalignedFloat4 *)from; }

static inline void store4(float *to, Float4 value) { *(UnalignedFloat4 *)to = value; }

static inline Float4 all4(float value) { return (Float4){value, value, value, value}; }

typedef uint32_t UnsignedInt4 __attribute__((vector_size(16)));
typedef int32_t UnalignedInt4 __attribute__((vector_size(16), aligned(2), may_alias));

static inline Int4 load4i(const int32_t *from) { return *(const UnalignedInt4 *)from; }

static inline void store4i(int32_t *to, Int4 value) { *(UnalignedInt4 *)to = value; }

static inline Int4 fill4(int32_t value) { return (Int4){value, value, value, value}; }

/* The lower and the upper 16 bits of each lane, as numbers. */
static inline Float4 low_halves(Int4 pairs) { return __builtin_convertvector(pairs & 0xffff, Float4); }

static inline Float4 high_halves(Int4 pairs) {
    return __builtin_convertvector((Int4)((UnsignedInt4)pairs >> 16), Float4);
}

/* Largest integers not above. |value| < 2^31. */
static inline Int4 floor4(Float4 value) {
    Int4 whole = __builtin_convertvector(value, Int4);
    return whole + (value < __builtin_convertvector(whole, Float4));
}

/* Whether any lane has a bit. */
static inline int any4(Int4 a) { return (a[0] | a[1] | a[2] | a[3]) != 0; }

/* Whether all lanes have all bits. */
static inline int all_set4(Int4 a) { return (a[0] & a[1] & a[2] & a[3]) == -1; }

static inline Float4 choose4(Int4 mask, Float4 yes, Float4 no) {
    return (Float4)((mask & (Int4)yes) | (~mask & (Int4)no));
}

/* Lane by lane: compilers know the instruction from this form. */
static inline Float4 min4(Float4 a, Float4 b) {
    return (Float4){a[0] < b[0] ? a[0] : b[0], a[1] < b[1] ? a[1] : b[1], a[2] < b[2] ? a[2] : b[2],
                    a[3] < b[3] ? a[3] : b[3]};
}

static inline Float4 max4(Float4 a, Float4 b) {
    return (Float4){a[0] > b[0] ? a[0] : b[0], a[1] > b[1] ? a[1] : b[1], a[2] > b[2] ? a[2] : b[2],
                    a[3] > b[3] ? a[3] : b[3]};
}

static inline float sum4(Float4 a) { return (a[0] + a[1]) + (a[2] + a[3]); }

static inline float square_root(float value) { return __builtin_sqrtf(value); }

static inline Float4 square_root4(Float4 a) {
    return (Float4){__builtin_sqrtf(a[0]), __builtin_sqrtf(a[1]), __builtin_sqrtf(a[2]),
                    __builtin_sqrtf(a[3])};
}

static inline float least(float a, float b) { return a < b ? a : b; }

static inline float most(float a, float b) { return a > b ? a : b; }

static inline float absolute(float value) { return value < 0 ? -value : value; }

static inline float clamp01(float value) { return least(most(value, 0.0f), 1.0f); }

static inline int32_t least_int(int32_t a, int32_t b) { return a < b ? a : b; }

static inline int32_t most_int(int32_t a, int32_t b) { return a > b ? a : b; }

/* Largest integer not above; floorf is a call without SSE4.1, a conversion truncates. |value| < 2^31. */
static inline int32_t floor_int(float value) {
    int32_t whole = (int32_t)value;
    return whole - (value < (float)whole);
}

/* base^exponent for base in [0, 1] and exponent > 0, to about 1e-6: exponent from the float's bits, mantissa
 * by the series of atanh, then Taylor of 2^x around the nearest integer. */
static inline float power01(float base, float exponent) {
    if (!(base > 1e-30f)) return 0.0f;
    union {
        float value;
        int32_t bits;
    } number = {base};
    int32_t whole = (number.bits >> 23) - 127;
    number.bits = (number.bits & 0x7fffff) | 0x3f800000;
    if (number.value > 1.41421356f) {
        number.value *= 0.5f;
        whole += 1;
    }
    float s = (number.value - 1.0f) / (number.value + 1.0f), s2 = s * s;
    float log2 =
        (float)whole + s * (2.88539008f + s2 * (0.961796694f + s2 * (0.577078016f + s2 * 0.412198583f)));
    float power = log2 * exponent;
    if (power < -125.0f) return 0.0f;
    int32_t nearest = floor_int(power + 0.5f);
    float x = (power - (float)nearest) * 0.693147181f;
    float series =
        1.0f + x * (1.0f + x * (0.5f + x * (0.166666667f + x * (0.0416666667f + x * 0.00833333333f))));
    number.bits = (nearest + 127) << 23;
    return series * number.value;
}

/* Vectors and rotations of the skeleton, in double: there are few of them, and keypoints may be large. */
typedef struct {
    double x, y, z;
} Vector;

typedef struct {
    double m[9]; /* rows */
} Matrix;

static inline Vector vector_at(const double *v) { return (Vector){v[0], v[1], v[2]}; }

static inline Vector vector_of(const float *v) { return (Vector){v[0], v[1], v[2]}; }

static inline void put_vector(double *to, Vector v) {
    to[0] = v.x;
    to[1] = v.y;
    to[2] = v.z;
}

static inline Vector plus(Vector a, Vector b) { return (Vector){a.x + b.x, a.y + b.y, a.z + b.z}; }

static inline Vector minus(Vector a, Vector b) { return (Vector){a.x - b.x, a.y - b.y, a.z - b.z}; }

static inline Vector times(Vector a, double k) { return (Vector){a.x * k, a.y * k, a.z * k}; }

static inline double dot(Vector a, Vector b) { return a.x * b.x + a.y * b.y + a.z * b.z; }

static inline Vector cross(Vector a, Vector b) {
    return (Vector){a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}

static inline double length(Vector a) { return __builtin_sqrt(dot(a, a)); }

/* Of length 1; a vector of length 0 stays 0. */
static inline Vector unit(Vector a) {
    double size = length(a);
    return times(a, 1.0 / (size > 1e-8 ? size : 1e-8));
}

static inline Matrix matrix_at(const double *m) {
    Matrix result;
    for (int i = 0; i < 9; i++) result.m[i] = m[i];
    return result;
}

static inline Matrix product(Matrix a, Matrix b) {
    Matrix result;
    for (int row = 0; row < 3; row++)
        for (int column = 0; column < 3; column++)
            result.m[3 * row + column] = a.m[3 * row] * b.m[column] + a.m[3 * row + 1] * b.m[3 + column] +
                                         a.m[3 * row + 2] * b.m[6 + column];
    return result;
}

static inline Matrix transposed(Matrix a) {
    return (Matrix){{a.m[0], a.m[3], a.m[6], a.m[1], a.m[4], a.m[7], a.m[2], a.m[5], a.m[8]}};
}

static inline Vector turned(Matrix a, Vector v) {
    return (Vector){a.m[0] * v.x + a.m[1] * v.y + a.m[2] * v.z, a.m[3] * v.x + a.m[4] * v.y + a.m[5] * v.z,
                    a.m[6] * v.x + a.m[7] * v.y + a.m[8] * v.z};
}

/* Affine maps are 12 doubles: three rows of a rotation and its shift. */
static inline Matrix rotation_of(const double *affine) {
    return (Matrix){
        {affine[0], affine[1], affine[2], affine[4], affine[5], affine[6], affine[8], affine[9], affine[10]}};
}

static inline Vector shift_of(const double *affine) { return (Vector){affine[3], affine[7], affine[11]}; }

static inline Vector carried(const double *affine, Vector point) {
    return plus(turned(rotation_of(affine), point), shift_of(affine));
}

/* The affine map of a rotation that takes one point to another. */
static inline void put_affine(double *affine, Matrix rotation, Vector from, Vector to) {
    Vector shift = minus(to, turned(rotation, from));
    const double ends[3] = {shift.x, shift.y, shift.z};
    for (int row = 0; row < 3; row++) {
        for (int column = 0; column < 3; column++) affine[4 * row + column] = rotation.m[3 * row + column];
        affine[4 * row + 3] = ends[row];
    }
}

/* Linear light -> sRGB byte, exactly rounded: the table's guess at its step is at most one too low. */
static inline uint8_t encoded_from(const Model *model, float linear, int32_t step) {
    int32_t byte = model->encode_guesses[step];
    return (uint8_t)(byte + (linear >= model->encode_thresholds[byte + 1]));
}

static inline uint8_t encoded(const Model *model, float linear) {
    return encoded_from(model, linear, (int32_t)(clamp01(linear) * (float)ENCODE_STEPS));
}

#endif
