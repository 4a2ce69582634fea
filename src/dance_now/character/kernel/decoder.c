/* The decoder of the points network: a U-Net (Ronneberger et al. 2015) over the map, 16 convolutions.
 *
 * Tensors have channels last and a border of zeros. 3x3 convolutions of stride 1, four fifths of the work,
 * use Winograd's minimal filtering F(2x2, 3x3) (Lavin and Gray 2016, Fast Algorithms for Convolutional Neural
 * Networks). Channels are padded to multiples of 16, whose weights are zero. The last layers run only where
 * the figure is near. Reference: training/networks/decoder.py.
 */
#include "points.h"

enum { CHANNEL_STEP = 16, WINOGRAD_TILES = 8, EVERYWHERE = -1 };

enum Kind {
    NARROW,   /* 1x1 */
    WINOGRAD, /* 3x3 */
    STRIDED,  /* 3x3, stride 2 */
    RISE,     /* 1x1, doubled in size and added to the target */
};

enum {
    RESIDUAL,
    FULL_A,
    FULL_B,
    HALF_A,
    QUARTER_A,
    EIGHTH_A,
    EIGHTH_B,
    EIGHTH_C,
    QUARTER_B,
    HALF_B,
    TENSORS
};

/* Size, in halvings of the map, and channels, in widths, of each tensor; 0 widths are SHARP_CHANNELS. */
static const struct {
    int8_t halvings, widths;
} TENSOR[TENSORS] = {{0, 0}, {0, 1}, {0, 1}, {1, 2}, {2, 3}, {3, 4}, {3, 4}, {3, 4}, {2, 3}, {1, 2}};

/* `around`: how many tiles of 2x2 pixels of the target around blocks near the figure the next layers read;
 * EVERYWHERE: about all of them. */
static const struct {
    int8_t kind, rectified, source, target, skipped, around;
} LAYER[DECODER_LAYERS] = {
    {NARROW, 1, -1, FULL_A, -1, EVERYWHERE},
    {WINOGRAD, 1, FULL_A, FULL_B, -1, EVERYWHERE},           /* down0 */
    {STRIDED, 1, FULL_B, HALF_A, -1, EVERYWHERE},            /* down1 */
    {STRIDED, 1, HALF_A, QUARTER_A, -1, EVERYWHERE},         /* down2 */
    {STRIDED, 1, QUARTER_A, EIGHTH_A, -1, EVERYWHERE},       /* down3 */
    {WINOGRAD, 1, EIGHTH_A, EIGHTH_B, -1, EVERYWHERE},       /* two residual blocks */
    {WINOGRAD, 0, EIGHTH_B, EIGHTH_C, EIGHTH_A, EVERYWHERE}, /* */
    {WINOGRAD, 1, EIGHTH_C, EIGHTH_B, -1, EVERYWHERE},       /* */
    {WINOGRAD, 0, EIGHTH_B, EIGHTH_A, EIGHTH_C, EVERYWHERE}, /* */
    {RISE, 0, EIGHTH_A, QUARTER_A, -1, EVERYWHERE},          /* up2 */
    {WINOGRAD, 1, QUARTER_A, QUARTER_B, -1, 1},              /* */
    {RISE, 0, QUARTER_B, HALF_A, -1, 2},                     /* up1 */
    {WINOGRAD, 1, HALF_A, HALF_B, -1, 1},                    /* */
    {RISE, 0, HALF_B, FULL_B, -1, 2},                        /* up0 */
    {WINOGRAD, 1, FULL_B, FULL_A, -1, 1},                    /* */
    {WINOGRAD, 0, FULL_A, RESIDUAL, -1, 0},                  /* out */
};

/* What a part of a layer works on. */
typedef struct {
    const Tensor *source;
    const Tensor *target;
    const Tensor *skipped;
    const float *weights;
    const float *biases;
    float *room;           /* transformed tiles and their products */
    const uint8_t *wanted; /* whether each column of a row is needed; NULL: all are */
    int32_t inputs;
    enum Kind kind;
    int rectified;
} Job;

static int32_t padded(int32_t channels) {
    return (channels + CHANNEL_STEP - 1) / CHANNEL_STEP * CHANNEL_STEP;
}

static int32_t channels_of(const Decoder *decoder, int tensor) {
    int widths = TENSOR[tensor].widths;
    return widths ? widths * decoder->width : SHARP_CHANNELS;
}

static int32_t layer_inputs(const Decoder *decoder, int32_t layer) {
    return layer ? channels_of(decoder, LAYER[layer].source) : decoder->inputs;
}

/* The first layer reads the map, whose channels are not padded. */
static int32_t packed_inputs(const Decoder *decoder, int32_t layer) {
    return layer ? padded(layer_inputs(decoder, layer)) : decoder->inputs;
}

int64_t lay_out_tensors(const Decoder *decoder, int32_t width, int32_t height, float *memory,
                        Tensor *tensors) {
    int64_t used = 0;
    for (int number = 0; number < TENSORS; number++) {
        Tensor *tensor = tensors + number;
        tensor->width = width >> TENSOR[number].halvings;
        tensor->height = height >> TENSOR[number].halvings;
        tensor->channels = padded(channels_of(decoder, number));
        tensor->stride = (tensor->width + 2) * tensor->channels;
        tensor->first = memory ? memory + used + tensor->stride + tensor->channels : 0;
        used += (int64_t)(tensor->height + 2) * tensor->stride;
    }
    return used;
}

int64_t decoder_part_floats(const Decoder *decoder) {
    return (int64_t)2 * 16 * WINOGRAD_TILES * padded(4 * decoder->width);
}

int64_t packed_floats(const Decoder *decoder, int32_t layer) {
    int64_t taps = LAYER[layer].kind == WINOGRAD ? 16 : LAYER[layer].kind == STRIDED ? 9 : 1;
    return taps * packed_inputs(decoder, layer) * padded(channels_of(decoder, LAYER[layer].target));
}

/* Filter transform GgG' of 3x3 weights to 4x4. */
static void transform_filter(const float *weights, float *transformed) {
    float rows[4][3];
    for (int x = 0; x < 3; x++) {
        float a = weights[x], b = weights[3 + x], c = weights[6 + x];
        rows[0][x] = a;
        rows[1][x] = (a + b + c) * 0.5f;
        rows[2][x] = (a - b + c) * 0.5f;
        rows[3][x] = c;
    }
    for (int y = 0; y < 4; y++) {
        float a = rows[y][0], b = rows[y][1], c = rows[y][2];
        transformed[4 * y] = a;
        transformed[4 * y + 1] = (a + b + c) * 0.5f;
        transformed[4 * y + 2] = (a - b + c) * 0.5f;
        transformed[4 * y + 3] = c;
    }
}

/* Weights (outputs, inputs, taps) -> (taps, inputs, outputs), padded and, for Winograd, transformed. */
void pack_layer(const Decoder *decoder, int32_t layer, const float *weights, float *packed) {
    int32_t inputs = layer_inputs(decoder, layer), outputs = channels_of(decoder, LAYER[layer].target);
    int64_t row = padded(outputs), plane = packed_inputs(decoder, layer) * row;
    int kind = LAYER[layer].kind, given = kind == WINOGRAD || kind == STRIDED ? 9 : 1;
    int taps = kind == WINOGRAD ? 16 : given;
    for (int64_t i = 0; i < packed_floats(decoder, layer); i++) packed[i] = 0;
    for (int32_t output = 0; output < outputs; output++)
        for (int32_t input = 0; input < inputs; input++, weights += given) {
            float transformed[16];
            if (kind == WINOGRAD) transform_filter(weights, transformed);
            const float *from = kind == WINOGRAD ? transformed : weights;
            for (int tap = 0; tap < taps; tap++) packed[tap * plane + input * row + output] = from[tap];
        }
}

#define LANES 4
#define NAMED(name) name##_4
#define TARGET
#include "decoder_layers.h"
#undef LANES
#undef NAMED
#undef TARGET

#if defined(__x86_64__) || defined(_M_X64)
#define HAS_WIDER_VECTORS 1
#define LANES 8
#define NAMED(name) name##_8
#define TARGET __attribute__((target("avx2")))
#include "decoder_layers.h"
#undef LANES
#undef NAMED
#undef TARGET

#define LANES 16
#define NAMED(name) name##_16
#define TARGET __attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,avx2")))
#include "decoder_layers.h"
#undef LANES
#undef NAMED
#undef TARGET

static void cpuid(uint32_t leaf, uint32_t *registers) {
    __asm__ volatile("cpuid"
                     : "=a"(registers[0]), "=b"(registers[1]), "=c"(registers[2]), "=d"(registers[3])
                     : "a"(leaf), "c"(0));
}

/* What the processor has and the system saves (Intel SDM, volume 1, 14.3 and 15.2). */
int32_t best_instructions(void) {
    const uint32_t saves = 1u << 27, avx = 1u << 28, avx2 = 1u << 5;
    const uint32_t avx512 = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31; /* F, DQ, BW, VL */
    uint32_t registers[4], low, high;
    cpuid(0, registers);
    if (registers[0] < 7) return BASELINE;
    cpuid(1, registers);
    if ((registers[2] & (saves | avx)) != (saves | avx)) return BASELINE;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    cpuid(7, registers);
    if ((low & 0x6) != 0x6 || !(registers[1] & avx2)) return BASELINE;
    return (low & 0xe6) == 0xe6 && (registers[1] & avx512) == avx512 ? WITH_AVX512 : WITH_AVX2;
}
#else
int32_t best_instructions(void) { return BASELINE; }
#endif

static void convolve_tiles(int instructions, const Job *job, const int32_t (*tiles)[2], int32_t count) {
#if defined(HAS_WIDER_VECTORS)
    if (instructions == WITH_AVX512) convolve_tiles_16(job, tiles, count);
    else if (instructions == WITH_AVX2) convolve_tiles_8(job, tiles, count);
    else
#endif
        convolve_tiles_4(job, tiles, count);
    (void)instructions;
}

static void convolve_rows(int instructions, const Job *job, int32_t first, int32_t last) {
#if defined(HAS_WIDER_VECTORS)
    if (instructions == WITH_AVX512) convolve_rows_16(job, first, last);
    else if (instructions == WITH_AVX2) convolve_rows_8(job, first, last);
    else
#endif
        convolve_rows_4(job, first, last);
    (void)instructions;
}

/* Zeros around rows [first, last) of a tensor. */
static void clear_border(const Tensor *tensor, int32_t first, int32_t last) {
    int64_t channels = tensor->channels, stride = tensor->stride;
    for (int32_t y = first; y < last; y++) {
        float *left = tensor->first + y * stride - channels;
        float *right = left + (tensor->width + 1) * channels;
        for (int32_t i = 0; i < channels; i++) left[i] = right[i] = 0;
    }
    for (int end = 0; end < 2; end++) {
        float *row = tensor->first + (end ? (int64_t)tensor->height : -1) * stride - channels;
        if (end ? last == tensor->height : first == 0)
            for (int64_t i = 0; i < stride; i++) row[i] = 0;
    }
}

/* Whether a tile of 2x2 pixels of a layer's target is needed for the blocks near the figure. */
static int is_needed(const PointsPicture *picture, int32_t layer, int32_t x, int32_t y) {
    int32_t around = LAYER[layer].around, tiles = NEAR_BLOCK / 2 >> TENSOR[LAYER[layer].target].halvings;
    int32_t across = picture->width / NEAR_BLOCK, down = picture->height / NEAR_BLOCK;
    if (around == EVERYWHERE) return 1;
    for (int32_t row = most_int(y - around, 0) / tiles; row <= least_int((y + around) / tiles, down - 1);
         row++)
        for (int32_t column = most_int(x - around, 0) / tiles;
             column <= least_int((x + around) / tiles, across - 1); column++)
            if (picture->near_figure[(int64_t)row * across + column]) return 1;
    return 0;
}

/* Tile rows [first, last) of a layer, WINOGRAD_TILES at a time. */
static void convolve_needed(const Decoder *decoder, const PointsPicture *picture, const Job *job,
                            int32_t layer, int32_t first, int32_t last) {
    int32_t tiles[WINOGRAD_TILES][2], count = 0;
    for (int32_t y = first; y < last; y++)
        for (int32_t x = 0; x < job->target->width / 2; x++) {
            if (!is_needed(picture, layer, x, y)) continue;
            tiles[count][0] = x;
            tiles[count++][1] = y;
            if (count < WINOGRAD_TILES) continue;
            convolve_tiles(decoder->instructions, job, (const int32_t (*)[2])tiles, count);
            count = 0;
        }
    if (count) convolve_tiles(decoder->instructions, job, (const int32_t (*)[2])tiles, count);
}

/* Rows [first, last) of a layer's source, each pixel of which is a tile of the target. */
static void rise_needed(const Decoder *decoder, const PointsPicture *picture, Job *job, int32_t layer,
                        int32_t first, int32_t last) {
    uint8_t wanted[MAP_MOST];
    job->wanted = wanted;
    for (int32_t y = first; y < last; y++) {
        for (int32_t x = 0; x < job->source->width; x++) wanted[x] = (uint8_t)is_needed(picture, layer, x, y);
        convolve_rows(decoder->instructions, job, y, y + 1);
    }
}

void decode(const Decoder *decoder, PointsPicture *picture, int32_t layer, int32_t part) {
    int32_t first, last;
    const Tensor *tensors = picture->tensors;
    Tensor map = {picture->map, picture->height, picture->width, picture->record,
                  picture->width * picture->record};
    Job job;
    if (picture->empty) return;
    job.kind = (enum Kind)LAYER[layer].kind;
    job.rectified = LAYER[layer].rectified;
    job.source = layer ? tensors + LAYER[layer].source : &map;
    job.target = tensors + LAYER[layer].target;
    job.skipped = LAYER[layer].skipped < 0 ? 0 : tensors + LAYER[layer].skipped;
    job.inputs = packed_inputs(decoder, layer);
    job.weights = decoder->weights[layer];
    job.biases = decoder->biases[layer];
    job.room = picture->part_room + part * picture->part_floats;
    job.wanted = 0;
    if (job.kind == WINOGRAD) {
        part_rows(job.target->height, 2, picture->parts, part, &first, &last);
        clear_border(job.target, first, last);
        convolve_needed(decoder, picture, &job, layer, first / 2, last / 2);
    } else if (job.kind == RISE) {
        part_rows(job.source->height, 1, picture->parts, part, &first, &last);
        rise_needed(decoder, picture, &job, layer, first, last);
    } else {
        part_rows(job.target->height, 1, picture->parts, part, &first, &last);
        clear_border(job.target, first, last);
        convolve_rows(decoder->instructions, &job, first, last);
    }
}
