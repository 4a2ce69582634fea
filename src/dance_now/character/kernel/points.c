/* Points network, first stage: the points are put where the bones and the shapes of a pose carry them.
 *
 * Linear blend skinning, after the change that expressions and pose correctives make at rest (pose blend
 * shapes: Loper et al. 2015, SMPL). Also here: how a picture lies in the caller's memory.
 */
#include "points.h"

static const float WHOLE_FIGURE = 200.0f;   /* picture pixels of a figure whose */
static const float WHOLE_POINTS = 14000.0f; /* points cover about a pixel of the map each */
static const float SPARSE_FROM = 450.0f;    /* picture pixels of a figure from which its points lie apart */
static const float LEAST_FACING =
    -0.62f;                             /* cosine to the viewer below which a point's weight is under 0.02 */
static const float PATCH_FACING = 0.1f; /* from which a patch is seen */
static const float EDGE_ON = 0.15f;     /* cosine of the angle from which a patch is seen too steeply */
static const float FINE = 0.6f;         /* map pixels; of texels finer than that the mean of four is read */
static const float ASIDE = 0.4f;        /* reaches by which a patch's edge ranks behind its middle */
static const float DEPTHS = 8192.0f;    /* map pixels of depth that are told apart, to both sides, */
static const float STEPS = 64.0f;       /* in so many steps a pixel */
static const float FARTHEST = 1e6f; /* picture pixels; no keypoint of a figure that shows is farther away */
static const float LARGEST_SCALE = 1e5f; /* picture pixels per metre */
static const float HIDING = 0.15f;       /* weight from which a point hides others */

void logistic_of(int32_t count, const float *values, float *results) {
    for (int32_t i = 0; i < count; i++) results[i] = logistic(values[i]);
}

int64_t picture_bytes(void) { return sizeof(PointsPicture); }

/* Takes `count` bytes of a block, 64-byte aligned; the block may be NULL. */
static void *taken(void *memory, int64_t *used, int64_t count) {
    void *place = memory ? (char *)memory + *used : 0;
    *used += (count + 63) / 64 * 64;
    return place;
}

int64_t lay_out_points(const PointsModel *model, const Decoder *decoder, int32_t width, int32_t height,
                       int32_t parts, void *memory, PointsPicture *picture) {
    if (width % MAP_STEP || height % MAP_STEP || width < MAP_LEAST || height < MAP_LEAST ||
        width > MAP_MOST || height > MAP_MOST || parts < 1 || parts > 64)
        return 0;
    int64_t pixels = (int64_t)width * height, used = 0, floats = sizeof(float);
    picture->width = width;
    picture->height = height;
    picture->parts = parts;
    picture->channels = GIVEN_CHANNELS + model->features;
    picture->cell = (picture->channels + 1 + 3) / 4 * 4;
    picture->record = (picture->channels + 2 + SHARP_CHANNELS + 3) / 4 * 4;
    picture->patches = 0;
    picture->empty = 1;
    picture->moved = taken(memory, &used, 9 * floats * model->moving);
    picture->posed = taken(memory, &used, (int64_t)sizeof(PosedPoint) * model->points);
    picture->patch = taken(memory, &used, (int64_t)sizeof(Patch) * model->points);
    picture->patch_of = taken(memory, &used, (int64_t)sizeof(int32_t) * model->points);
    picture->front = taken(memory, &used, floats * pixels);
    picture->pooled = taken(memory, &used, floats * pixels);
    picture->spare = taken(memory, &used, floats * pixels);
    picture->map = taken(memory, &used, floats * (pixels * picture->record + 16));
    picture->sums[0] = picture->map;
    for (int level = 0; level < MAP_LEVELS; level++) {
        int64_t count = pixels >> (2 * level);
        if (level) picture->sums[level] = taken(memory, &used, floats * count * picture->cell);
        picture->clear[level] = taken(memory, &used, floats * count);
    }
    picture->coarsest = taken(memory, &used, floats * (pixels >> (2 * (MAP_LEVELS - 1))) * picture->cell);
    picture->line = taken(memory, &used, floats * (width / 2 + 2) * picture->cell);
    picture->whole = taken(memory, &used, floats * (pixels / 4));
    picture->block_cover = taken(memory, &used, floats * (pixels / (NEAR_BLOCK * NEAR_BLOCK)));
    picture->near_figure = taken(memory, &used, pixels / (NEAR_BLOCK * NEAR_BLOCK));
    picture->front_patch = taken(memory, &used, (int64_t)sizeof(int64_t) * (width + PATCH_RIM) * (height + 2));
    picture->shown = taken(memory, &used, pixels);
    int64_t tensors = lay_out_tensors(decoder, width, height, 0, picture->tensors);
    lay_out_tensors(decoder, width, height, taken(memory, &used, floats * tensors), picture->tensors);
    /* A part's room: the decoder's tiles, or six rows of the picture and the counts of two rows of the map.
     */
    int64_t rows = (int64_t)(6 * 2 * width + 2) * 4 + 8 * (int64_t)width;
    picture->part_floats = decoder_part_floats(decoder) > rows ? decoder_part_floats(decoder) : rows;
    picture->part_floats = (picture->part_floats + 15) / 16 * 16;
    picture->part_room = taken(memory, &used, floats * picture->part_floats * parts);
    return used;
}

/* Weights of the pose correctives: linear in how gravity pulls head, chest and hips and where limbs point. */
static void corrective_weights(const PointsModel *model, const BonePose *pose, float *weights) {
    double features[POSE_FEATURES];
    double *next = features;
    for (int bone = 0; bone < GRAVITY_BONES; bone++)
        for (int axis = 0; axis < 3; axis++)
            *next++ = pose->rotations[model->gravity_bones[bone]][3 + axis] - (axis == 1);
    for (int limb = 0; limb < POSED_LIMBS; limb++) {
        Vector rest = vector_of(model->limb_rest[limb]);
        Vector view = turned(matrix_at(pose->rotations[model->limbs[limb]]), rest);
        Matrix parent = transposed(matrix_at(pose->rotations[model->limb_parents[limb]]));
        put_vector(next, minus(turned(parent, view), rest));
        next += 3;
    }
    int32_t count = model->correctives;
    for (int32_t shape = 0; shape < count; shape++) {
        double weight = model->pose_basis[POSE_FEATURES * count + shape];
        for (int i = 0; i < POSE_FEATURES; i++) weight += features[i] * model->pose_basis[i * count + shape];
        weights[shape] = (float)weight;
    }
}

/* Positions and tangents of the moving points at rest, with their shapes. */
static void add_shapes(const PointsModel *model, const float *weights, float *moved) {
    int32_t count = 9 * model->moving;
    for (int32_t point = 0; point < model->moving; point++) {
        for (int i = 0; i < 3; i++) moved[9 * point + i] = model->positions[3 * point + i];
        for (int i = 0; i < 6; i++) moved[9 * point + 3 + i] = model->tangents[6 * point + i];
    }
    for (int32_t shape = 0; shape < model->expressions + model->correctives; shape++) {
        float weight = weights[shape];
        const float *change = model->shapes + (int64_t)shape * count;
        if (weight != 0)
            for (int32_t i = 0; i < count; i++) moved[i] += weight * change[i];
    }
}

/* Rows of 12 floats, rest in metres -> view frame in pixels: turn and scale row by row, then shift. */
static void blend_bones(const PointsModel *model, const float *palette, int32_t point, float *blended) {
    const float *weights = model->weights + (int64_t)INFLUENCES * point;
    const uint8_t *bones = model->bones + (int64_t)INFLUENCES * point;
    Float4 rows[3] = {all4(0), all4(0), all4(0)};
    for (int i = 0; i < INFLUENCES && weights[i] != 0; i++) {
        const float *affine = palette + 12 * bones[i];
        for (int row = 0; row < 3; row++) rows[row] += load4(affine + 4 * row) * weights[i];
    }
    for (int row = 0; row < 3; row++) store4(blended + 4 * row, rows[row]);
}

static void turn(const float *affine, const float *vector, float *result) {
    for (int row = 0; row < 3; row++)
        result[row] =
            affine[4 * row] * vector[0] + affine[4 * row + 1] * vector[1] + affine[4 * row + 2] * vector[2];
}

/* Enters a patch with tangents and unit normal in the map's axes, if it can touch the map. */
static void add_patch(PointsPicture *picture, int32_t point, const float *a, const float *b,
                      const float *normal) {
    const float *place = picture->posed[point].place;
    const float half = PATCH_EDGE / 2.0f;
    float extent = most(magnitude(a[0]) + magnitude(b[0]), magnitude(a[1]) + magnitude(b[1]));
    if (!(place[0] > -extent && place[0] < (float)picture->width + extent && place[1] > -extent &&
          place[1] < (float)picture->height + extent))
        return;
    float determinant = a[0] * b[1] - b[0] * a[1];
    float reach = square_root(a[0] * a[0] + a[1] * a[1] + a[2] * a[2]);
    float size = most(magnitude(determinant), EDGE_ON * (reach * reach) + 1e-6f);
    float inverse = half / (determinant < 0 ? -size : size);
    Patch *patch = picture->patch + picture->patches;
    picture->patch_of[point] = picture->patches++;
    patch->x = place[0] - 0.5f;
    patch->y = place[1] - 0.5f;
    patch->across[0] = b[1] * inverse;
    patch->across[1] = -a[1] * inverse;
    patch->down[0] = -b[0] * inverse;
    patch->down[1] = a[0] * inverse;
    float x = normal[0] * reach, y = normal[1] * reach;
    for (int i = 0; i < 2; i++) patch->shift[i] = patch->across[i] * x + patch->down[i] * y;
    patch->slope[0] = a[2] * (STEPS / half);
    patch->slope[1] = b[2] * (STEPS / half);
    patch->depth = (place[2] + DEPTHS) * STEPS;
    patch->upward = normal[2] * reach * STEPS;
    patch->aside = reach * (ASIDE * STEPS / (half * half));
    patch->extent = extent;
    patch->point = point;
    patch->level_edge = PATCH_EDGE;
    patch->level_first = 0;
    float texel = reach * (4.0f / PATCH_EDGE);
    for (int side = PATCH_EDGE; side > 1; side /= 2) {
        if (!(texel * (float)(PATCH_EDGE / side) < FINE)) break;
        patch->level_first += side * side;
        patch->level_edge = side / 2;
    }
}

static void pose_point(const PointsModel *model, const float *palette, int32_t index,
                       PointsPicture *picture) {
    float affine[12], a[3], b[3], place[3];
    const float *moved = picture->moved + 9 * (int64_t)index;
    int moves = index < model->moving;
    const float *rest = moves ? moved : model->positions + 3 * (int64_t)index;
    const float *tangents = moves ? moved + 3 : model->tangents + 6 * (int64_t)index;
    PosedPoint *point = picture->posed + index;
    blend_bones(model, palette, index, affine);
    turn(affine, tangents, a);
    turn(affine, tangents + 3, b);
    float normal[3] = {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
    float square = normal[0] * normal[0] + normal[1] * normal[1] + normal[2] * normal[2];
    float inverse = 1.0f / square_root(most(square, 1e-12f));
    for (int i = 0; i < 3; i++) point->normal[i] = normal[i] *= inverse;
    float facing = model->two_sided[index] ? magnitude(normal[2]) : normal[2];
    point->weight = 0;
    if (!(facing >= LEAST_FACING)) return;
    turn(affine, rest, place);
    for (int i = 0; i < 3; i++) point->place[i] = (place[i] + affine[4 * i + 3]) * (i ? -0.5f : 0.5f);
    point->weight = logistic(facing * 8 + 1) * model->opacities[index];
    int32_t column = (int32_t)clamped(point->place[0], 0, (float)(picture->width - 1));
    int32_t row = (int32_t)clamped(point->place[1], 0, (float)(picture->height - 1));
    point->cell = row * picture->width + column;
    float *front = picture->front + point->cell;
    if (point->weight > HIDING && point->place[2] < *front) *front = point->place[2];
    if (model->has_patches && facing > PATCH_FACING) {
        for (int i = 0; i < 3; i++) {
            float half = i ? -0.5f : 0.5f;
            a[i] *= half;
            b[i] *= half;
            if (i) normal[i] = -normal[i];
        }
        add_patch(picture, index, a, b, normal);
    }
}

/* Whether keypoints and scale are such that nothing overflows; else nothing of the figure could be seen. */
static int is_drawable(const BonePose *pose, const float *keypoints) {
    for (int i = 0; i < 4 * KEYPOINTS; i++)
        if (i % 4 != 3 && !(magnitude(keypoints[i]) < FARTHEST)) return 0;
    return pose->scale > 1e-3 && pose->scale < LARGEST_SCALE;
}

void pose_points(const PointsModel *model, const Skeleton *skeleton, const BonePose *pose,
                 const float *keypoints, const float *expressions, PointsPicture *picture) {
    float palette[BONES * 12], weights[MOST_SHAPES];
    picture->patches = 0;
    picture->empty = !is_drawable(pose, keypoints);
    if (picture->empty) return;
    for (int bone = 0; bone < BONES; bone++) {
        const double *rotation = pose->rotations[bone], *anchor = pose->anchors[bone];
        Vector pivot = turned(matrix_at(rotation), vector_at(skeleton->pivots[bone]));
        Vector shift = minus(vector_at(anchor), times(pivot, pose->scale));
        double shifts[3] = {shift.x, shift.y, shift.z};
        for (int row = 0; row < 3; row++) {
            for (int i = 0; i < 3; i++)
                palette[12 * bone + 4 * row + i] = (float)(rotation[3 * row + i] * pose->scale);
            palette[12 * bone + 4 * row + 3] = (float)shifts[row];
        }
    }
    for (int32_t i = 0; i < model->expressions; i++) weights[i] = expressions[i];
    corrective_weights(model, pose, weights + model->expressions);
    add_shapes(model, weights, picture->moved);

    picture->figure = (float)pose->scale * model->height;
    picture->softness = picture->figure * (model->softness / 2);
    picture->sparseness = clamp01(picture->figure / SPARSE_FROM - 1);
    float size = picture->figure / WHOLE_FIGURE;
    picture->density = size * size * (WHOLE_POINTS / (float)model->points);
    picture->middle = -keypoints[4 * 8 + 2];
    for (int64_t i = 0; i < (int64_t)picture->width * picture->height; i++) picture->front[i] = FARTHEST;
    for (int32_t i = 0; i < model->points; i++) pose_point(model, palette, i, picture);
}
