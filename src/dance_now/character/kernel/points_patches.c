/* Points network, third stage: which point's patch each pixel sees, and what the patch shows there.
 *
 * Surface elements with a depth buffer (Pfister et al. 2000, Surfels) whose patches are textures with a
 * relief (relief texture mapping: Oliveira et al. 2000). Reference: training/networks/patch_layer.py.
 */
#include "points.h"

static const int64_t NOTHING = (int64_t)1 << 42;
static const int64_t POINTS = (int64_t)1 << 21; /* depth and point are one number: one minimum finds both */
static const float MOST_DEPTH = 2 * 8192.0f * 64.0f;
static const float STEPS_A_PIXEL = 64.0f;
static const float RELIEF_STEPS =
    96.0f; /* of the relief's levels a height of one reach has; 128 is the plane */
static const uint8_t NO_SURFACE = 255;
static const float GAP = 0.015f; /* depth behind its neighbours, in heights, that makes a pixel a gap */
static const int32_t WINDOWS[] = {2,  3,  4,  6,  8,  10,
                                  13, 16, 20, 25, 31, 37}; /* pixels, square, for patches */

static float rise_of(uint8_t relief) { return (float)relief * (1 / RELIEF_STEPS) - 128 / RELIEF_STEPS; }

static inline Float4 magnitude4(Float4 a) { return (Float4)((Int4)a & 0x7fffffff); }

/* Narrows columns [first, last) to those where |at + gain * (x - middle)| can be below `inner`; `inverse` is
 * that of `gain`. */
static void clip_columns(float at, float gain, float inverse, float middle, float inner, int32_t *first,
                         int32_t *last) {
    if (magnitude(gain) <= 1e-6f) {
        if (magnitude(at) > inner * 1.01f) *last = *first;
        return;
    }
    float centre = middle - at * inverse, reach = magnitude(inner * inverse);
    float low = clamped(centre - reach - 0.01f, (float)*first, (float)*last);
    float high = clamped(centre + reach + 0.01f, (float)*first - 1, (float)*last - 1);
    *first = (int32_t)low + ((float)(int32_t)low < low);
    *last = floor_int(high) + 1;
}

static inline Int4 is_inside(Float4 u, Float4 v, float inner) {
    return (magnitude4(u) < all4(inner)) & (magnitude4(v) < all4(inner));
}

/* Rows or columns of texels of patch coordinates; 0 for pixels beside the patch. */
static inline Int4 texels_of(Float4 coordinates, Int4 inside) {
    Float4 place = (Float4)((Int4)(coordinates + all4(PATCH_EDGE / 2.0f)) & inside);
    Int4 texel = __builtin_convertvector(place, Int4);
    return texel + (texel > fill4(PATCH_EDGE - 1)); /* sums are rounded up to PATCH_EDGE */
}

/* Enters a patch in those of 4 pixels from column x on that it covers; (u_row, v_row): what the row adds to
 * its coordinates. Pixels to the right of `last` are left alone; their entries are written all the same. */
static inline void enter_pixels(const Patch *patch, const uint8_t *relief, float inner, int32_t x, int32_t last,
                                float u_row, float v_row, int64_t *entries) {
    const Float4 steps = {0, 1, 2, 3};
    Float4 column = all4((float)x) + steps, dx = column - all4(patch->x);
    Float4 u = all4(patch->across[0]) * dx + all4(u_row), v = all4(patch->across[1]) * dx + all4(v_row);
    Int4 inside = is_inside(u, v, inner) & (column < all4((float)last));
    if (!any4(inside)) return;
    Int4 texel = texels_of(v, inside) * PATCH_EDGE + texels_of(u, inside);
    Int4 level = {relief[texel[0]], relief[texel[1]], relief[texel[2]], relief[texel[3]]};
    Float4 rise = __builtin_convertvector(level, Float4) * all4(1 / RELIEF_STEPS) - all4(128 / RELIEF_STEPS);
    u -= rise * all4(patch->shift[0]);
    v -= rise * all4(patch->shift[1]);
    /* Beside a curved surface the plane reaches out of the outline: what is met there is beyond. */
    inside &= (level != fill4(NO_SURFACE)) & is_inside(u, v, inner);
    Float4 aside = all4(patch->aside);
    Float4 depth = (u * aside + all4(patch->slope[0])) * u + (v * aside + all4(patch->slope[1])) * v +
                   (all4(patch->depth) + rise * all4(patch->upward));
    depth = choose4(depth > all4(0), depth, all4(0));
    depth = choose4(depth < all4(MOST_DEPTH), depth, all4(MOST_DEPTH));
    Int4 step = __builtin_convertvector(depth, Int4);
    for (int lane = 0; lane < 4; lane++) { /* without branches, which nobody could predict */
        int64_t entry = (int64_t)step[lane] * POINTS + patch->point, old = entries[x + lane];
        entry = inside[lane] ? entry : NOTHING;
        entries[x + lane] = entry < old ? entry : old;
    }
}

/* Enters a patch in the pixels of rows [top, bottom) that lie in its window. */
static void enter_patch(const PointsModel *model, const PointsPicture *picture, const Patch *patch,
                        int32_t top, int32_t bottom) {
    const float inner = model->inner * (PATCH_EDGE / 2.0f);
    const uint8_t *relief = model->relief + (int64_t)patch->point * PATCH_EDGE * PATCH_EDGE;
    int32_t width = picture->width, size = 0;
    while (size < 11 && !(patch->extent * (2 * model->inner) < (float)WINDOWS[size])) size++;
    int32_t edge = WINDOWS[size];
    float corner = 1 - (float)edge / 2;
    int32_t column = floor_int(clamped(patch->x + corner, -64.0f, (float)width));
    int32_t row = floor_int(clamped(patch->y + corner, -64.0f, (float)picture->height));
    int32_t first_row = most_int(row, top), last_row = least_int(row + edge, bottom);
    float inverse[2] = {1 / patch->across[0], 1 / patch->across[1]};
    for (int32_t y = first_row; y < last_row; y++) {
        float dy = (float)y - patch->y, u_row = patch->down[0] * dy, v_row = patch->down[1] * dy;
        int32_t first = most_int(column, 0), last = least_int(column + edge, width);
        if (edge > 4) {
            clip_columns(u_row, patch->across[0], inverse[0], patch->x, inner, &first, &last);
            if (first < last)
                clip_columns(v_row, patch->across[1], inverse[1], patch->x, inner, &first, &last);
        }
        int64_t *entries = picture->front_patch + (int64_t)(y + 1) * (width + PATCH_RIM) + 1;
        for (int32_t x = first; x < last; x += 4)
            enter_pixels(patch, relief, inner, x, last, u_row, v_row, entries);
    }
}

void enter_patches(const PointsModel *model, PointsPicture *picture, int32_t part) {
    int32_t top, bottom, stride = picture->width + PATCH_RIM;
    if (picture->empty || !model->has_patches) return;
    part_rows(picture->height, 1, picture->parts, part, &top, &bottom);
    int32_t first = part ? top + 1 : 0, last = part == picture->parts - 1 ? bottom + 2 : bottom + 1;
    for (int64_t i = (int64_t)first * stride; i < (int64_t)last * stride; i++)
        picture->front_patch[i] = NOTHING;
    for (int32_t i = 0; i < picture->patches; i++) {
        if (i + 4 < picture->patches)
            __builtin_prefetch(model->relief +
                               (int64_t)picture->patch[i + 4].point * PATCH_EDGE * PATCH_EDGE);
        enter_patch(model, picture, picture->patch + i, top, bottom);
    }
}

/* A texel as four floats; SSE2 widens bytes by unpacking with zeros. */
static inline Float4 texel_at(const uint8_t *texel) {
    Float4 value = {texel[0], texel[1], texel[2], texel[3]};
    return value;
}

/* Color, multiplied by alpha, and alpha of a patch's level at a place in texels from its middle; bilinear. */
static inline Float4 patch_color(const uint8_t *texels, int32_t edge, float u, float v) {
    float scale = (float)edge / 2;
    float x = clamped((u * (2.0f / PATCH_EDGE) + 1) * scale - 0.5f, 0, (float)(edge - 1));
    float y = clamped((v * (2.0f / PATCH_EDGE) + 1) * scale - 0.5f, 0, (float)(edge - 1));
    int32_t left = (int32_t)x, top = (int32_t)y;
    int32_t right = left + 1 < edge ? 4 : 0, below = top + 1 < edge ? 4 * edge : 0;
    Float4 across = all4(x - (float)left), down = all4(y - (float)top);
    const uint8_t *corner = texels + 4 * (top * edge + left);
    Float4 first = texel_at(corner), second = texel_at(corner + right);
    first += (texel_at(corner + below) - first) * down;
    second += (texel_at(corner + below + right) - second) * down;
    first += (second - first) * across;
    float alpha = clamp01(first[3] * (2.0f / 255));
    first *= all4(alpha / 255);
    first[3] = alpha;
    return first;
}

/* Writes the sharp layer of a pixel of the map; returns whether one of its four parts shows the patch. */
static int read_patch(const PointsModel *model, const Patch *patch, int32_t x, int32_t y, float *sharp) {
    const float half = PATCH_EDGE / 2.0f;
    float dx = (float)x - patch->x, dy = (float)y - patch->y, best = 0;
    float u = patch->across[0] * dx + patch->down[0] * dy, v = patch->across[1] * dx + patch->down[1] * dy;
    int32_t column = floor_int(clamped(u + half, 0, PATCH_EDGE - 1));
    int32_t row = floor_int(clamped(v + half, 0, PATCH_EDGE - 1));
    uint8_t level =
        model->relief[(int64_t)patch->point * PATCH_EDGE * PATCH_EDGE + row * PATCH_EDGE + column];
    if (level != NO_SURFACE) {
        u -= rise_of(level) * patch->shift[0];
        v -= rise_of(level) * patch->shift[1];
    }
    const uint8_t *texels = model->pyramid + ((int64_t)patch->point * PATCH_TEXELS + patch->level_first) * 4;
    for (int part = 0; part < 4; part++) {
        float right = part & 1 ? 0.25f : -0.25f, lower = part & 2 ? 0.25f : -0.25f;
        Float4 color =
            patch_color(texels, patch->level_edge, u + patch->across[0] * right + patch->down[0] * lower,
                        v + patch->across[1] * right + patch->down[1] * lower);
        store4(sharp + 4 * part, color);
        best = most(best, color[3]);
    }
    return best > 0.5f;
}

static inline int64_t least_of(int64_t a, int64_t b) { return a < b ? a : b; }

static inline int64_t most_of(int64_t a, int64_t b) { return a > b ? a : b; }

/* Fetches what the pixel after the next few will read: patches lie in no order of pixels. */
static void prefetch_patch(const PointsModel *model, const PointsPicture *picture, int64_t entry) {
    if (entry >= NOTHING) return;
    int64_t point = entry & (POINTS - 1);
    const uint8_t *texels = model->pyramid + point * PATCH_TEXELS * 4;
    __builtin_prefetch(model->relief + point * PATCH_EDGE * PATCH_EDGE);
    for (int line = 0; line < 4; line++) __builtin_prefetch(texels + 64 * line);
    __builtin_prefetch(picture->patch + picture->patch_of[point]);
}

void read_patches(const PointsModel *model, PointsPicture *picture, int32_t part) {
    int32_t top, bottom, width = picture->width, stride = width + PATCH_RIM;
    if (picture->empty) return;
    part_rows(picture->height, 1, picture->parts, part, &top, &bottom);
    int64_t gap = (int64_t)(picture->figure * (GAP / 2) * (STEPS_A_PIXEL * (float)POINTS));
    for (int32_t y = top; y < bottom; y++) {
        const int64_t *row = picture->front_patch + (int64_t)(y + 1) * stride + 1;
        uint8_t *shown = picture->shown + (int64_t)y * width;
        for (int32_t x = 0; x < width; x++) {
            shown[x] = 0;
            if (!model->has_patches) continue;
            prefetch_patch(model, picture, row[x + 6]);
            /* A gap between patches, a pixel wide, shows what lies beside it. */
            int64_t level = most_of(row[x - 1], row[x + 1]),
                    upright = most_of(row[x - stride], row[x + stride]);
            int64_t bridge = least_of(level, upright), entry = bridge + gap < row[x] ? bridge : row[x];
            if (entry >= NOTHING) continue;
            const Patch *patch = picture->patch + picture->patch_of[entry & (POINTS - 1)];
            float *record = picture->map + ((int64_t)y * width + x) * picture->record;
            shown[x] = (uint8_t)read_patch(model, patch, x, y, record + picture->channels + 2);
        }
    }
}
