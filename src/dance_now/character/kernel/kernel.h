/* The drawing kernel of dance_now: keypoints and a rigged surface in, straight RGBA out.
 *
 * One function a stage, called in this order: bone_rule, bone_affines, expression_weights, settle_springs or
 * follow_springs, place_vertices, snap_vertices, count_members, list_members, draw_bands. The arrays and
 * their meaning are those of the `surface` template (character/templates/surface_arrays.py, which also checks
 * them).
 *
 * Frames: keypoints are x right, y down, depth away from the viewer, in pixels. The view frame is x right,
 * y up, z towards the viewer; the character frame is x its left, y up, z its front. A sample is half a pixel
 * along each axis. Vertices are placed in the whole picture's samples, never relative to the window that is
 * drawn, so that a pixel has the same bits in every window.
 *
 * Nothing is allocated, nothing is global, no function of libm is called and contraction is off
 * (-ffp-contract=off): the same input gives the same bits on every processor, and in WebAssembly.
 */
#ifndef DANCE_NOW_KERNEL_H
#define DANCE_NOW_KERNEL_H

#include <stdint.h>

#if defined(_WIN32)
#define DANCE_NOW_API __declspec(dllexport)
#else
#define DANCE_NOW_API __attribute__((visibility("default")))
#endif

enum {
    KEYPOINTS = 137,
    FACE_START = 25,
    FACE_POINTS = 70,
    FRAME_BONES = 5,  /* hips, chest, head, left hand, right hand */
    BLEND_BONES = 2,  /* spine, neck */
    SWING_BONES = 40, /* limbs and fingers, parents first */
    BONES = FRAME_BONES + BLEND_BONES + SWING_BONES,
    RIGID_SEGMENTS = 10,
    BAND_PIXELS = 16, /* rows drawn at a time: their samples stay in a core's own cache */
    ENCODE_STEPS = 4096,
    VERTEX_FLOATS = 8, /* x, y, depth in samples, normal in the view frame, u, v */
};

/* What the bone rule needs of a body: `BoneRig` of pose/model/bone_rule.py, in numbers. */
typedef struct {
    double rest_frames[FRAME_BONES][9];
    double relaxed[BONES][3]; /* unit directions from which a bone's smallest rotation is measured */
    double to_relaxed[BONES][9];
    double pivots[BONES][3]; /* metres */
    double spine_offset[3];  /* of the spine's pivot from the middle of the hips, metres */
    double neck_offset[3];   /* of the neck's pivot from the middle of the shoulders, metres */
    double face_rest[FACE_POINTS][3];
    double rigid_length; /* of all rigid segments together, metres */
    int32_t rigid_segments[RIGID_SEGMENTS][2];
    int32_t swings[SWING_BONES][3]; /* parent bone, keypoint at the start, keypoint at the end */
} Skeleton;

/* Where the bones of a pose are. */
typedef struct {
    double rotations[BONES][9]; /* rest -> view frame */
    double anchors[BONES][3];   /* of the pivots: view frame, pixels */
    double scale;               /* pixels per metre */
} BonePose;

/* Spring bones. A joint hangs on a bone (0..46) or on an earlier joint (47 + its number). */
typedef struct {
    int32_t joints;
    int32_t colliders;
    const uint16_t *parents;        /* (joints) */
    const float *points;            /* (joints, 2, 3) head and tail at rest, metres */
    const float *forces;            /* (joints, 6) stiffness, drag, radius, gravity */
    const uint16_t *collider_bones; /* (colliders) */
    const float *collider_points;   /* (colliders, 2, 3) start and end at rest, metres */
    const float *collider_radii;    /* (colliders) */
    const uint8_t *minds;           /* (joints, colliders) */
} Springs;

/* A material as it is drawn; colours are linear light. A level of -1 means white. */
typedef struct {
    float base[4];
    float shade[4];
    float emission[4];
    float rim[4];
    float matcap[4];
    float outline[4];
    float ramp_low;
    float ramp_scale;
    float rim_power;
    float rim_lift;
    float outline_mix;
    float cutoff;
    int32_t first_triangle;
    int32_t triangles;
    int32_t base_level;
    int32_t base_levels;
    int32_t shade_level;
    int32_t shade_levels;
    int32_t matcap_level;
    int32_t alpha_mode; /* enum AlphaMode */
    int32_t unlit;
    int32_t double_sided;
    int32_t writes_depth;
    int32_t wrap_u; /* enum Wrap */
    int32_t wrap_v;
    int32_t nearest;
    int32_t has_rim;
    int32_t has_matcap;
    int32_t outlined;
} Surface;

enum AlphaMode { ALPHA_OPAQUE, ALPHA_MASK, ALPHA_BLEND };
enum Wrap { WRAP_REPEAT, WRAP_CLAMP, WRAP_MIRROR };

/* One level of a texture. */
typedef struct {
    int32_t first; /* texel */
    int32_t width;
    int32_t height;
} Level;

/* The avatar: everything that does not change from picture to picture. */
typedef struct {
    int32_t vertices;
    int32_t triangles;
    int32_t surfaces;
    int32_t expressions;
    const float *positions;       /* (vertices, 3) metres */
    const float *normals;         /* (vertices, 3) */
    const float *outline_normals; /* (vertices, 3) */
    const float *uv;              /* (vertices, 2) */
    const uint16_t *joints;       /* (vertices, 4) */
    const float *weights;         /* (vertices, 4) */
    const float *world_widths;    /* (vertices) of outlines, metres */
    const float *screen_widths;   /* (vertices) of outlines, fraction of the picture's height */
    const uint32_t *corners;      /* (triangles, 3) */
    const uint16_t *surface_of;   /* (triangles) */
    const Surface *surface;       /* in drawing order */
    const Level *levels;
    const uint16_t *texels;              /* RGBA: linear light and straight alpha, 65535 is 1 */
    const float *face_solve;             /* (expressions, 70, 3) */
    const uint32_t *expression_counts;   /* (expressions) */
    const uint32_t *expression_vertices; /* one expression after the other */
    const float *expression_offsets;     /* (moved, 3) metres at weight 1 */
    const float *expression_normals;     /* (moved, 3) */
    const float *decode;                 /* (256) linear light of an sRGB byte */
    const uint16_t *decode_texel;        /* (256) the same, 65535 is 1 */
    const float *encode_thresholds; /* (257) least linear light that rounds to each byte; last infinite */
    const uint8_t *encode_guesses;  /* (ENCODE_STEPS + 1) byte at each step of linear light */
} Model;

/* A vertex on the grid of 1/256 sample. x is OUTSIDE where it is too far away to be drawn. */
typedef struct {
    int32_t x;
    int32_t y;
    float depth;
} SnappedVertex;

#define OUTSIDE INT32_MIN

/* The part of the picture that is drawn, in pixels. */
typedef struct {
    int32_t left;
    int32_t top;
    int32_t width;
    int32_t height;
} Window;

/* Bands from the first to the last that a triangle touches; last < first where it cannot be seen. */
typedef struct {
    int16_t first;
    int16_t last;
} BandRange;

/* Everything that the bands of one picture share. A member is 2 * triangle + 1 for an outline's hull. */
typedef struct {
    const Model *model;
    const float *vertices; /* (2 * vertices, VERTEX_FLOATS) surface, then hull */
    const SnappedVertex *snapped;
    const int32_t *starts;  /* (bands + 1) into members */
    const int32_t *members; /* in drawing order, band by band */
    Window window;
    uint8_t *picture; /* RGBA of the window's first pixel; zeros */
    int64_t stride;   /* bytes from row to row */
} Scene;

/* Room for one band of one thread, (2 * BAND_PIXELS, 2 * width) and 3 more, which are touched but not used.
 */
typedef struct {
    float *depth;
    int32_t *visible; /* member that is seen, or -1 */
    float *colour;    /* four for each sample; only for avatars with blended surfaces */
} Scratch;

DANCE_NOW_API const char *dance_now_kernel_hash(void);

DANCE_NOW_API void halve_texels(const Model *model, const Level *from, const uint8_t *texels,
                                uint8_t *halved);
DANCE_NOW_API void decode_texels(const Model *model, int64_t count, const uint8_t *texels, uint16_t *decoded);

DANCE_NOW_API void bone_rule(const Skeleton *skeleton, const float *keypoints, BonePose *pose);
DANCE_NOW_API void bone_affines(const Skeleton *skeleton, const BonePose *pose, double *affines);
DANCE_NOW_API void expression_weights(const Model *model, const Skeleton *skeleton, const BonePose *pose,
                                      const float *keypoints, float *weights);

DANCE_NOW_API void rest_springs(const Springs *springs, double *affines, double *state);
DANCE_NOW_API void follow_springs(const Springs *springs, double *affines, const double *tails);
DANCE_NOW_API void step_springs(const Springs *springs, double *affines, double *state, double *colliders,
                                const double *up, double seconds, double earlier);
DANCE_NOW_API void settle_springs(const Springs *springs, double *affines, double *state, double *colliders,
                                  const double *up, int32_t steps);

DANCE_NOW_API void place_vertices(const Model *model, const double *affines, int32_t affine_count,
                                  const float *weights, double samples_per_metre, double samples_high,
                                  float *palette, float *shape, float *vertices);
DANCE_NOW_API void snap_vertices(int32_t count, const float *vertices, SnappedVertex *snapped,
                                 int32_t *bounds);

DANCE_NOW_API int64_t count_members(const Model *model, const SnappedVertex *snapped, const Window *window,
                                    BandRange *ranges, int32_t *starts);
DANCE_NOW_API void list_members(const Model *model, const BandRange *ranges, const int32_t *starts,
                                int32_t bands, int32_t *cursor, int32_t *members);
DANCE_NOW_API void draw_bands(const Scene *scene, const Scratch *scratch, int32_t first, int32_t step);

#endif
