/* The `points` template of the kernel: keypoints and a trained points network in, straight RGBA out.
 *
 * Stages, in this order: pose_points, splat_points, then for each part of the picture's rows enter_patches,
 * for each part read_patches, for each part every layer of decode, for each part finish_picture. bone_rule
 * and expression_weights (bones.c) come before. All parts of a stage have to be done before the next begins;
 * they may run on threads of their own, and their number changes no bit of the picture.
 *
 * The arrays and their meaning are those of character/templates/points_arrays.py, which also checks them; the
 * reference in torch is training/networks. "The map" is the picture at half its size: points are splatted to
 * it and the decoder works on it. Nothing is allocated, nothing is global: the caller gives the memory.
 */
#ifndef DANCE_NOW_POINTS_H
#define DANCE_NOW_POINTS_H

#include "arithmetic.h"
#include "kernel.h"

enum {
    INFLUENCES = 8,     /* bones of a point */
    PATCH_EDGE = 8,     /* texels of a patch's edge */
    PATCH_TEXELS = 85,  /* of all levels of a patch: 8x8, 4x4, 2x2, 1 */
    GIVEN_CHANNELS = 9, /* of every splatted point: color, tint, normal x and y, depth */
    SHARP_CHANNELS =
        16, /* RGBA of a map pixel's 2x2 picture pixels: top left, top right, bottom left, right */
    POSE_FEATURES = 21, /* numbers of a pose that correctives depend on, and a constant */
    GRAVITY_BONES = 3,
    POSED_LIMBS = 4,
    MAP_LEVELS = 4, /* of the pull-push pyramid */
    DECODER_LAYERS = 16,
    MAP_STEP = 16, /* sides of the map are multiples of it */
    MAP_LEAST = 64,
    MAP_MOST = 512,
    MOST_SHAPES = 128,
    PATCH_RIM = 4,  /* columns of `front_patch` beside the map: one to the left */
    NEAR_BLOCK = 8, /* map pixels of a block of which it is known whether a figure is near */
};

/* A trained network, without its decoder. */
typedef struct {
    int32_t points;
    int32_t moving;      /* points that shapes move; they come first */
    int32_t expressions; /* shapes of the face, then */
    int32_t correctives; /* shapes that follow from the pose */
    int32_t features;    /* learned channels of a point */
    int32_t has_patches;
    int32_t gravity_bones[GRAVITY_BONES];
    int32_t limbs[POSED_LIMBS];
    int32_t limb_parents[POSED_LIMBS];
    float limb_rest[POSED_LIMBS][3]; /* directions at rest */
    float height;                    /* of the figure, metres */
    float softness;                  /* depth over which a hidden point fades by 1/e, in heights */
    float inner;                     /* part of a patch that is shown, from its middle */
    float light[3];                  /* unit direction of the light */
    float threshold;                 /* cosine at which light becomes shade */
    float smoothing[3];              /* weight of a pixel, of each of its 4 sides, of each of its 4 corners */
    const float *positions;          /* (points, 3) metres */
    const float *tangents;           /* (points, 2, 3) from the middle to the edges of the patch, metres */
    const float *weights;            /* (points, INFLUENCES), used ones first */
    const uint8_t *bones;            /* (points, INFLUENCES) */
    const uint8_t *two_sided;        /* (points) */
    const float *colors;             /* (points, 3) sRGB in light */
    const float *shades;             /* (points, 3) factor in shade */
    const float *learned;            /* (points, features) */
    const float *opacities;          /* (points) in [0, 1] */
    const float *shapes;             /* (shapes, moving, 9) change of position and tangents at weight 1 */
    const float *pose_basis;         /* (POSE_FEATURES + 1, correctives) */
    const uint8_t *pyramid;          /* (points, PATCH_TEXELS, 4) sRGB and alpha */
    const uint8_t *relief;           /* (points, 64) height of the surface before the patch's plane */
} PointsModel;

/* The decoder: packed weights and padded biases of each layer, and the instruction set to use. */
typedef struct {
    int32_t width;        /* channels of the first level */
    int32_t inputs;       /* channels of a map pixel */
    int32_t instructions; /* enum Instructions */
    const float *weights[DECODER_LAYERS];
    const float *biases[DECODER_LAYERS];
} Decoder;

enum Instructions { BASELINE, WITH_AVX2, WITH_AVX512 };

/* A map of pixels with a border of one pixel, channels last. */
typedef struct {
    float *first; /* pixel (0, 0), inside the border */
    int32_t height;
    int32_t width;
    int32_t channels;
    int32_t stride; /* floats from row to row */
} Tensor;

/* A posed point: x, y, depth (away) in pixels of the map. */
typedef struct {
    float place[3];
    float weight; /* 0: it is not splatted */
    float normal[3];
    int32_t cell; /* pixel of the map that it lies in */
} PosedPoint;

/* A patch that may be seen. Patch coordinates are texels from its middle. */
typedef struct {
    float x, y;      /* of its middle, less one half */
    float across[2]; /* coordinates gained by a pixel to the right */
    float down[2];   /* by one downwards */
    float shift[2];  /* by a height of one reach */
    float slope[2];  /* depth, in steps, gained by the coordinates */
    float depth;     /* steps */
    float upward;    /* steps, by a height of one reach */
    float aside;     /* steps, by the coordinates' square: a patch's edge ranks behind its middle */
    float extent;    /* pixels of the map from the middle to the farthest edge */
    int32_t point;
    int32_t level_edge;  /* texels of the level that is read */
    int32_t level_first; /* its first texel */
} Patch;

/* Measures and room of one picture. */
typedef struct {
    int32_t width; /* of the map */
    int32_t height;
    int32_t parts;    /* of the rows, one for each thread */
    int32_t channels; /* of a splatted point; its weight follows them */
    int32_t cell;     /* floats of a splatted pixel: channels and weight, rounded up */
    int32_t record;   /* floats of a pixel of `map` */
    int32_t patches;  /* entered in `patch` */
    int32_t empty;    /* nothing is drawn */
    float softness;   /* pixels of the map */
    float sparseness; /* 0: points lie within a pixel of each other, 1: some pixels apart */
    float density;    /* by which summed weight is multiplied to be about 1 on a whole surface */
    float figure;     /* height of the figure, pixels of the picture */
    float middle;     /* depth of the hips, view frame, pixels of the picture */
    float *moved;     /* (moving, 9) */
    PosedPoint *posed;
    Patch *patch;
    int32_t *patch_of; /* (points) */
    float *front;      /* (height, width) least depth */
    float *pooled;     /* the same around each pixel */
    float *spare;
    float *map;               /* (height, width, record) channels, 2 coverages, sharp layer */
    float *sums[MAP_LEVELS];  /* (height, width, cell) of each level; the first is `map` */
    float *clear[MAP_LEVELS]; /* (height, width) 1 - coverage of each level */
    float *coarsest;          /* means of the last level */
    float *line;              /* a row of means between two rows */
    float *whole;             /* (height / 2, width / 2) coverage without holes */
    float *block_cover;       /* (height / 8, width / 8) */
    uint8_t *near_figure;     /* (height / 8, width / 8) */
    int64_t *front_patch;     /* (height + 2, width + PATCH_RIM) depth and point of the foremost patch; a pixel
                                 above and to the left */
    uint8_t *shown;           /* (height, width) whether a patch shows here */
    Tensor tensors[10];       /* of the decoder, in the order of decoder.c */
    float *part_room;         /* (parts, part_floats) */
    int64_t part_floats;
} PointsPicture;

/* Size of PointsPicture, whose content only the kernel knows. */
DANCE_NOW_API int64_t picture_bytes(void);

/* Lays a picture out in `memory` (64-byte aligned), or with NULL only measures it: bytes needed, or 0 for
 * sizes that cannot be drawn. `width` and `height` are the map's. */
DANCE_NOW_API int64_t lay_out_points(const PointsModel *model, const Decoder *decoder, int32_t width,
                                     int32_t height, int32_t parts, void *memory, PointsPicture *picture);

DANCE_NOW_API void logistic_of(int32_t count, const float *values, float *results);
DANCE_NOW_API void pose_points(const PointsModel *model, const Skeleton *skeleton, const BonePose *pose,
                               const float *keypoints, const float *expressions, PointsPicture *picture);
DANCE_NOW_API void splat_points(const PointsModel *model, PointsPicture *picture);
DANCE_NOW_API void enter_patches(const PointsModel *model, PointsPicture *picture, int32_t part);
DANCE_NOW_API void read_patches(const PointsModel *model, PointsPicture *picture, int32_t part);
DANCE_NOW_API void finish_picture(const PointsModel *model, PointsPicture *picture, int32_t part,
                                  uint8_t *rgba, int64_t stride);

DANCE_NOW_API int32_t best_instructions(void);
DANCE_NOW_API int64_t packed_floats(const Decoder *decoder, int32_t layer);
DANCE_NOW_API void pack_layer(const Decoder *decoder, int32_t layer, const float *weights, float *packed);
DANCE_NOW_API void decode(const Decoder *decoder, PointsPicture *picture, int32_t layer, int32_t part);

/* Floats that a thread needs for the decoder; tensors of a map, laid out in `memory` or measured. */
int64_t decoder_part_floats(const Decoder *decoder);
int64_t lay_out_tensors(const Decoder *decoder, int32_t width, int32_t height, float *memory,
                        Tensor *tensors);

/* Rows [first, last) of `rows` that a part works on, in steps of `step` rows. */
static inline void part_rows(int32_t rows, int32_t step, int32_t parts, int32_t part, int32_t *first,
                             int32_t *last) {
    int32_t blocks = rows / step;
    *first = (int32_t)((int64_t)blocks * part / parts) * step;
    *last = (int32_t)((int64_t)blocks * (part + 1) / parts) * step;
}

/* e^x to about 1e-7 of it, 0 below -87: argument reduction to |r| <= log(2)/2 and a polynomial (Cephes,
 * expf). */
static inline float exponential(float x) {
    if (!(x > -87.0f)) return 0.0f;
    if (x > 88.0f) x = 88.0f;
    int32_t whole = floor_int(x * 1.44269504f + 0.5f);
    float r = x - (float)whole * 0.693359375f + (float)whole * 2.12194440e-4f;
    float series = 1.9875691500e-4f;
    series = series * r + 1.3981999507e-3f;
    series = series * r + 8.3334519073e-3f;
    series = series * r + 4.1665795894e-2f;
    series = series * r + 1.6666665459e-1f;
    series = series * r + 5.0000001201e-1f;
    union {
        int32_t bits;
        float value;
    } power = {(whole + 127) << 23};
    return (series * r * r + r + 1.0f) * power.value;
}

static inline float logistic(float x) { return 1.0f / (1.0f + exponential(-x)); }

static inline float magnitude(float x) { return x < 0 ? -x : x; }

static inline float clamped(float x, float low, float high) { return least(most(x, low), high); }

#endif
