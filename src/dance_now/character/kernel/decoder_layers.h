/* The decoder's layers for one width of vectors; decoder.c includes this once for each instruction set.
 *
 * LANES: floats of a vector. NAMED(x): x with a suffix of its own. TARGET: attribute of the functions.
 * Each output is the same sum in the same order whatever the width, the thread or the neighbours: nothing is
 * contracted and lanes never meet, so that all instruction sets give the same bits.
 */
typedef float NAMED(Lanes) __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef int32_t NAMED(Mask) __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
#define Lanes NAMED(Lanes)
#define Mask NAMED(Mask)
#define INLINE TARGET static inline __attribute__((always_inline))
#define LOAD(place) (*(const Lanes *)(place))
#define STORE(place, value) (*(Lanes *)(place) = (value))

/* Pixels and vectors of channels that are summed at a time: as many as the registers hold. */
#if LANES == 16
enum { NAMED(PIXELS) = 8, NAMED(VECTORS) = 1 };
#else
enum { NAMED(PIXELS) = 4, NAMED(VECTORS) = 2 };
#endif
#define PIXELS NAMED(PIXELS)
#define VECTORS NAMED(VECTORS)

/* Leaky ReLU of slope 0.1. */
INLINE void NAMED(rectify)(Lanes *value) {
    Lanes scaled = *value * 0.1f;
    Mask larger = *value > scaled;
    *value = (Lanes)(((Mask)*value & larger) | ((Mask)scaled & ~larger));
}

/* sums[pixel][vector] += input[pixel] x weights, over all input channels. */
INLINE void NAMED(multiply)(Lanes (*sums)[VECTORS], const float *input, int64_t step, int32_t inputs,
                            const float *weights, int32_t outputs) {
    for (int32_t channel = 0; channel < inputs; channel++, weights += outputs) {
        Lanes row[VECTORS];
        for (int vector = 0; vector < VECTORS; vector++) row[vector] = LOAD(weights + vector * LANES);
        for (int pixel = 0; pixel < PIXELS; pixel++)
            for (int vector = 0; vector < VECTORS; vector++)
                sums[pixel][vector] += row[vector] * input[pixel * step + channel];
    }
}

/* Input transform B'dB of a tile of 4x4 pixels (Lavin and Gray 2016, F(2x2, 3x3)). */
INLINE void NAMED(transform_tile)(const float *pixels, int32_t stride, int32_t channels, float *transformed) {
    int64_t plane = (int64_t)WINOGRAD_TILES * channels;
    for (int32_t channel = 0; channel < channels; channel += LANES) {
        Lanes rows[4][4];
        for (int x = 0; x < 4; x++) {
            const float *column = pixels + (int64_t)x * channels + channel;
            Lanes a = LOAD(column), b = LOAD(column + stride), c = LOAD(column + 2 * stride);
            Lanes d = LOAD(column + 3 * stride);
            rows[0][x] = a - c;
            rows[1][x] = b + c;
            rows[2][x] = c - b;
            rows[3][x] = b - d;
        }
        for (int y = 0; y < 4; y++) {
            float *to = transformed + channel + 4 * y * plane;
            Lanes a = rows[y][0], b = rows[y][1], c = rows[y][2], d = rows[y][3];
            STORE(to, a - c);
            STORE(to + plane, b + c);
            STORE(to + 2 * plane, c - b);
            STORE(to + 3 * plane, b - d);
        }
    }
}

/* Output transform A'mA of a tile to 2x2 pixels, with bias, activation or the input of a residual block. */
INLINE void NAMED(restore_tile)(const float *products, const float *bias, int rectified, const float *skipped,
                                int32_t skipped_stride, const Tensor *target, float *pixel) {
    int32_t channels = target->channels;
    int64_t plane = (int64_t)WINOGRAD_TILES * channels;
    for (int32_t channel = 0; channel < channels; channel += LANES) {
        const float *from = products + channel;
        Lanes upper[4], lower[4], shift = LOAD(bias + channel);
        for (int x = 0; x < 4; x++, from += plane) {
            Lanes a = LOAD(from), b = LOAD(from + 4 * plane), c = LOAD(from + 8 * plane),
                  d = LOAD(from + 12 * plane);
            upper[x] = a + b + c;
            lower[x] = b - c - d;
        }
        for (int y = 0; y < 2; y++) {
            const Lanes *row = y ? lower : upper;
            Lanes left = row[0] + row[1] + row[2] + shift, right = row[1] - row[2] - row[3] + shift;
            if (rectified) {
                NAMED(rectify)(&left);
                NAMED(rectify)(&right);
            }
            if (skipped) {
                left += LOAD(skipped + (int64_t)y * skipped_stride + channel);
                right += LOAD(skipped + (int64_t)y * skipped_stride + channels + channel);
            }
            STORE(pixel + (int64_t)y * target->stride + channel, left);
            STORE(pixel + (int64_t)y * target->stride + channels + channel, right);
        }
    }
}

/* 3x3 convolution of stride 1 by Winograd's method, of up to WINOGRAD_TILES tiles at (x, y) / 2. */
TARGET static void NAMED(convolve_tiles)(const Job *job, const int32_t (*tiles)[2], int32_t count) {
    const Tensor *source = job->source, *target = job->target;
    int32_t inputs = source->channels, outputs = target->channels;
    float *transformed = job->room, *products = transformed + (int64_t)16 * WINOGRAD_TILES * inputs;
    for (int32_t tile = 0; tile < count; tile++) {
        const float *pixels = source->first + (int64_t)(2 * tiles[tile][1] - 1) * source->stride +
                              (int64_t)(2 * tiles[tile][0] - 1) * inputs;
        NAMED(transform_tile)(pixels, source->stride, inputs, transformed + (int64_t)tile * inputs);
    }
    for (int plane = 0; plane < 16; plane++) {
        const float *from = transformed + (int64_t)plane * WINOGRAD_TILES * inputs;
        const float *weights = job->weights + (int64_t)plane * inputs * outputs;
        float *to = products + (int64_t)plane * WINOGRAD_TILES * outputs;
        for (int32_t output = 0; output < outputs; output += VECTORS * LANES)
            for (int32_t tile = 0; tile < count; tile += PIXELS) {
                Lanes sums[PIXELS][VECTORS];
                for (int pixel = 0; pixel < PIXELS; pixel++)
                    for (int vector = 0; vector < VECTORS; vector++) sums[pixel][vector] = (Lanes){0};
                NAMED(multiply)(sums, from + (int64_t)tile * inputs, inputs, inputs, weights + output,
                                outputs);
                for (int pixel = 0; pixel < PIXELS; pixel++)
                    for (int vector = 0; vector < VECTORS; vector++)
                        STORE(to + (int64_t)(tile + pixel) * outputs + output + vector * LANES,
                              sums[pixel][vector]);
            }
    }
    for (int32_t tile = 0; tile < count; tile++) {
        int64_t x = 2 * tiles[tile][0], y = 2 * tiles[tile][1];
        const float *skipped = 0;
        if (job->skipped) skipped = job->skipped->first + y * job->skipped->stride + x * outputs;
        NAMED(restore_tile)(products + (int64_t)tile * outputs, job->biases, job->rectified, skipped,
                            job->skipped ? job->skipped->stride : 0, target,
                            target->first + y * target->stride + x * outputs);
    }
}

/* Adds a row's sums to the 2x2 pixels that each covers on a map of twice the size. */
INLINE void NAMED(add_doubled)(const Tensor *target, int64_t x, int64_t y, int32_t channel, Lanes value) {
    for (int corner = 0; corner < 4; corner++) {
        float *pixel = target->first + (2 * y + (corner >> 1)) * target->stride +
                       (2 * x + (corner & 1)) * target->channels + channel;
        STORE(pixel, value + LOAD(pixel));
    }
}

INLINE int NAMED(is_wanted)(const uint8_t *wanted) {
    int found = 0;
    for (int pixel = 0; pixel < PIXELS; pixel++) found |= wanted[pixel];
    return found;
}

/* 1x1 convolutions, and 3x3 ones of stride 2, pixel by pixel; `first` to `last` are rows of the sums. */
TARGET static void NAMED(convolve_rows)(const Job *job, int32_t first, int32_t last) {
    const Tensor *source = job->source, *target = job->target;
    int32_t inputs = job->inputs, outputs = target->channels, step = source->channels;
    int edge = job->kind == STRIDED ? 3 : 1, stride = job->kind == STRIDED ? 2 : 1;
    int32_t columns = source->width / stride;
    for (int32_t y = first; y < last; y++)
        for (int32_t place = 0; place < columns; place += PIXELS) {
            int32_t x = least_int(place, columns - PIXELS); /* the last few may be worked out twice */
            int32_t fresh = place - x;
            if (job->wanted && !NAMED(is_wanted)(job->wanted + x)) continue;
            const float *corner = source->first + (int64_t)(stride * y - edge / 2) * source->stride +
                                  (int64_t)(stride * x - edge / 2) * step;
            for (int32_t output = 0; output < outputs; output += VECTORS * LANES) {
                const float *weights = job->weights + output;
                Lanes sums[PIXELS][VECTORS];
                for (int pixel = 0; pixel < PIXELS; pixel++)
                    for (int vector = 0; vector < VECTORS; vector++)
                        sums[pixel][vector] = LOAD(job->biases + output + vector * LANES);
                for (int tap = 0; tap < edge * edge; tap++, weights += (int64_t)inputs * outputs)
                    NAMED(multiply)(
                        sums, corner + (int64_t)(tap / edge) * source->stride + (int64_t)(tap % edge) * step,
                        (int64_t)stride * step, inputs, weights, outputs);
                for (int pixel = fresh; pixel < PIXELS; pixel++)
                    for (int vector = 0; vector < VECTORS; vector++) {
                        int32_t channel = output + vector * LANES;
                        Lanes value = sums[pixel][vector];
                        if (job->rectified) NAMED(rectify)(&value);
                        if (job->kind == RISE) NAMED(add_doubled)(target, x + pixel, y, channel, value);
                        else
                            STORE(target->first + (int64_t)y * target->stride +
                                      (int64_t)(x + pixel) * outputs + channel,
                                  value);
                    }
            }
        }
}

#undef Lanes
#undef Mask
#undef INLINE
#undef LOAD
#undef STORE
#undef PIXELS
#undef VECTORS
