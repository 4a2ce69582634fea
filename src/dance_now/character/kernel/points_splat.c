/* Points network, second stage: points are splatted softly to the map, and holes are filled.
 *
 * Each point adds its channels to the four pixels around it, weighted by how near it is to the foremost point
 * there. Pixels that few points reach take their values from coarser levels: pull-push interpolation (Gortler
 * et al. 1996, The Lumigraph). Reference: training/networks/soft_splat.py.
 */
#include "points.h"

static const float FAINT = 0.02f;       /* weight of points that nobody would miss */
static const float FROM_AROUND = 0.01f; /* of the means around is added on the coarsest level */
static const float TRACE = 1e-3f;       /* mean coverage of a block that says that a figure is there */

/* Least value of the 3x3 pixels around each; `rows` is room for as many values. */
static void pool_least(const float *values, int32_t width, int32_t height, float *rows, float *pooled) {
    for (int32_t y = 0; y < height; y++) {
        const float *from = values + (int64_t)y * width;
        float *to = rows + (int64_t)y * width;
        to[0] = least(from[0], from[1]);
        for (int32_t x = 1; x < width - 1; x++) to[x] = least(least(from[x - 1], from[x]), from[x + 1]);
        to[width - 1] = least(from[width - 2], from[width - 1]);
    }
    for (int32_t y = 0; y < height; y++) {
        const float *here = rows + (int64_t)y * width;
        const float *above = y ? here - width : here, *below = y < height - 1 ? here + width : here;
        float *to = pooled + (int64_t)y * width;
        for (int32_t x = 0; x < width; x++) to[x] = least(least(above[x], here[x]), below[x]);
    }
}

/* Least value of each 2x2 pixels; in place is allowed. */
static void halve_least(const float *values, int32_t width, int32_t height, float *halved) {
    for (int32_t y = 0; y < height / 2; y++)
        for (int32_t x = 0; x < width / 2; x++) {
            const float *from = values + (int64_t)2 * y * width + 2 * x;
            halved[(int64_t)y * (width / 2) + x] =
                least(least(from[0], from[1]), least(from[width], from[width + 1]));
        }
}

/* What a point adds to the map: color, tint, normal, depth, learned channels, and 1 for the weight. */
static void point_channels(const PointsModel *model, const PointsPicture *picture, int32_t index,
                           float *channels) {
    const PosedPoint *point = picture->posed + index;
    const float *normal = point->normal;
    float cosine = normal[0] * model->light[0] + normal[1] * model->light[1] + normal[2] * model->light[2];
    float tone = logistic(12 * (cosine - model->threshold));
    for (int i = 0; i < 3; i++) {
        float shade = model->shades[3 * index + i], tint = shade + (1 - shade) * tone;
        channels[i] = model->colors[3 * index + i] * tint;
        channels[3 + i] = tint;
    }
    channels[6] = normal[0];
    channels[7] = normal[1];
    channels[8] = (picture->middle + 2 * point->place[2]) / picture->figure * 4;
    for (int32_t i = 0; i < model->features; i++)
        channels[GIVEN_CHANNELS + i] = model->learned[(int64_t)model->features * index + i];
    channels[picture->channels] = 1;
}

/* Adds a point to the four pixels around it. */
static void add_point(const PointsPicture *picture, const PosedPoint *point, float weight,
                      const float *channels) {
    int32_t width = picture->width, height = picture->height;
    float x = point->place[0] - 0.5f, y = point->place[1] - 0.5f;
    int32_t left = floor_int(x), top = floor_int(y);
    float right_share = x - (float)left, lower_share = y - (float)top;
    for (int corner = 0; corner < 4; corner++) {
        int32_t column = left + (corner & 1), row = top + (corner >> 1);
        if (column < 0 || column >= width || row < 0 || row >= height) continue;
        float share =
            (corner >> 1 ? lower_share : 1 - lower_share) * (corner & 1 ? right_share : 1 - right_share);
        float *sums = picture->map + ((int64_t)row * width + column) * picture->record;
        Float4 factor = all4(share * weight);
        for (int32_t i = 0; i < picture->cell; i += 4)
            store4(sums + i, load4(sums + i) + load4(channels + i) * factor);
    }
}

/* Weights of points, less the deeper they lie behind the foremost point near them; then the splat.
 *
 * Near means a point's pixel and the eight around it; for a figure drawn large, whose points lie far apart,
 * the same at half the size, else the far side would show between the points of the near one.
 */
static void splat(const PointsModel *model, PointsPicture *picture) {
    int32_t width = picture->width, height = picture->height;
    float channels[256] = {0};
    float sparseness = picture->sparseness, *coarse = picture->front;
    pool_least(picture->front, width, height, picture->spare, picture->pooled);
    if (sparseness > 0) {
        halve_least(picture->front, width, height, coarse);
        pool_least(coarse, width / 2, height / 2, picture->spare, coarse);
    }
    for (int32_t index = 0; index < model->points; index++) {
        const PosedPoint *point = picture->posed + index;
        float x = point->place[0], y = point->place[1], depth = point->place[2];
        if (!(point->weight > FAINT)) continue;
        float behind = most(depth - picture->pooled[point->cell], 0);
        if (sparseness > 0) {
            int32_t row = point->cell / width / 2, column = point->cell % width / 2;
            float behind_coarse = most(depth - coarse[row * (width / 2) + column], 0);
            behind += sparseness * (behind_coarse - behind);
        }
        float weight = point->weight * exponential(-behind / picture->softness);
        if (!(weight > FAINT && x > -1 && x < (float)(width + 1) && y > -1 && y < (float)(height + 1)))
            continue;
        point_channels(model, picture, index, channels);
        add_point(picture, point, weight, channels);
    }
}

/* Means of each 2x2 pixels; `step` floats lie between the finer level's pixels. */
static void halve_means(const float *finer, int32_t step, int32_t width, int32_t height, int32_t cell,
                        float *means) {
    for (int32_t y = 0; y < height; y++)
        for (int32_t x = 0; x < width; x++) {
            const float *upper = finer + ((int64_t)2 * y * 2 * width + 2 * x) * step;
            const float *lower = upper + (int64_t)2 * width * step;
            float *to = means + ((int64_t)y * width + x) * cell;
            for (int32_t i = 0; i < cell; i += 4)
                store4(to + i, (load4(upper + i) + load4(upper + step + i) + load4(lower + i) +
                                load4(lower + step + i)) *
                                   all4(0.25f));
        }
}

/* Means of the coarsest level; where there is nothing, those of the 5x5 pixels around. */
static void fill_coarsest(const PointsPicture *picture, int32_t width, int32_t height) {
    int32_t cell = picture->cell, last = MAP_LEVELS - 1;
    const float *sums = picture->sums[last];
    for (int32_t y = 0; y < height; y++)
        for (int32_t x = 0; x < width; x++) {
            const float *here = sums + ((int64_t)y * width + x) * cell;
            float *to = picture->coarsest + ((int64_t)y * width + x) * cell;
            int32_t first_row = most_int(y - 2, 0), last_row = least_int(y + 2, height - 1);
            int32_t first = most_int(x - 2, 0), end = least_int(x + 2, width - 1);
            for (int32_t i = 0; i < cell; i++) to[i] = 0;
            for (int32_t row = first_row; row <= last_row; row++)
                for (int32_t column = first; column <= end; column++) {
                    const float *from = sums + ((int64_t)row * width + column) * cell;
                    for (int32_t i = 0; i < cell; i += 4) store4(to + i, load4(to + i) + load4(from + i));
                }
            for (int32_t i = 0; i < cell; i++) to[i] = here[i] + FROM_AROUND * (to[i] / 25);
            float weight = most(to[picture->channels], 1e-6f);
            for (int32_t i = 0; i < cell; i++) to[i] /= weight;
        }
}

/* The two coarse pixels whose mixture a doubled row or column shows, and the share of the first. */
static void doubled_pair(int32_t fine, int32_t coarse_count, int32_t *first, int32_t *second, float *share) {
    int32_t before = (fine - 1) >> 1;
    *first = most_int(before, 0);
    *second = least_int(before + 1, coarse_count - 1);
    *share = fine & 1 ? 0.75f : 0.25f;
}

/* Means of a level from its own sums and the coarser level's means, which replace the sums. */
static void fill_level(const PointsPicture *picture, int level, const float *coarser) {
    int32_t cell = picture->cell, step = level ? cell : picture->record;
    int32_t width = picture->width >> level, height = picture->height >> level, coarse_width = width / 2;
    float *line = picture->line;
    for (int32_t y = 0; y < height; y++) {
        int32_t first, second;
        float upper;
        doubled_pair(y, height / 2, &first, &second, &upper);
        const float *a = coarser + (int64_t)first * coarse_width * cell;
        const float *b = coarser + (int64_t)second * coarse_width * cell;
        for (int32_t i = 0; i < coarse_width * cell; i += 4)
            store4(line + cell + i, load4(a + i) * all4(upper) + load4(b + i) * all4(1 - upper));
        for (int32_t i = 0; i < cell; i++) {
            line[i] = line[cell + i];
            line[(coarse_width + 1) * cell + i] = line[coarse_width * cell + i];
        }
        for (int32_t x = 0; x < width; x++) {
            const float *left = line + (int64_t)((x + 1) >> 1) * cell;
            float *here = picture->sums[level] + ((int64_t)y * width + x) * step;
            float clear = picture->clear[level][(int64_t)y * width + x], share = x & 1 ? 0.75f : 0.25f;
            Float4 own = all4((1 - clear) / most(here[picture->channels], 1e-4f));
            Float4 from_left = all4(share * clear), from_right = all4((1 - share) * clear);
            for (int32_t i = 0; i < cell; i += 4)
                store4(here + i, load4(left + i) * from_left + load4(left + cell + i) * from_right +
                                     load4(here + i) * own);
        }
    }
}

/* One value of a map doubled in size, bilinear. */
static float doubled_at(const float *coarse, int32_t width, int32_t height, int32_t x, int32_t y) {
    int32_t left, right, top, bottom;
    float across, down;
    doubled_pair(x, width, &left, &right, &across);
    doubled_pair(y, height, &top, &bottom, &down);
    const float *upper = coarse + (int64_t)top * width, *lower = coarse + (int64_t)bottom * width;
    return (upper[left] * across + upper[right] * (1 - across)) * down +
           (lower[left] * across + lower[right] * (1 - across)) * (1 - down);
}

/* Coverage without holes: of the level at which the points lie close enough. */
static void cover_whole(const PointsPicture *picture) {
    int32_t width = picture->width / 2, height = picture->height / 2;
    for (int32_t y = 0; y < height; y++)
        for (int32_t x = 0; x < width; x++) {
            int64_t pixel = (int64_t)y * width + x;
            float cover = 1 - picture->clear[1][pixel];
            if (picture->sparseness > 0) {
                float coarser = 1 - doubled_at(picture->clear[2], width / 2, height / 2, x, y);
                cover += picture->sparseness * (coarser - cover);
            }
            picture->whole[pixel] = cover;
        }
}

/* Writes both coverages beside the means, and finds the blocks near which there is anything to draw. */
static void write_covers(const PointsPicture *picture) {
    int32_t width = picture->width, height = picture->height, across = width / NEAR_BLOCK,
            down = height / NEAR_BLOCK;
    for (int32_t i = 0; i < across * down; i++) picture->block_cover[i] = 0;
    for (int32_t y = 0; y < height; y++) {
        float *record = picture->map + (int64_t)y * width * picture->record + picture->channels;
        float *blocks = picture->block_cover + (int64_t)(y / NEAR_BLOCK) * across;
        for (int32_t x = 0; x < width; x++, record += picture->record) {
            record[0] = 1 - picture->clear[0][(int64_t)y * width + x];
            record[1] = doubled_at(picture->whole, width / 2, height / 2, x, y);
            for (int32_t i = picture->channels + 2; i < picture->record; i++)
                record[i - picture->channels] = 0;
            blocks[x / NEAR_BLOCK] += record[1];
        }
    }
    for (int32_t y = 0; y < down; y++)
        for (int32_t x = 0; x < across; x++) {
            float around = 0;
            for (int32_t row = most_int(y - 1, 0); row <= least_int(y + 1, down - 1); row++)
                for (int32_t column = most_int(x - 1, 0); column <= least_int(x + 1, across - 1); column++)
                    around = most(around, picture->block_cover[(int64_t)row * across + column]);
            picture->near_figure[(int64_t)y * across + x] = around > TRACE * (NEAR_BLOCK * NEAR_BLOCK);
        }
}

void splat_points(const PointsModel *model, PointsPicture *picture) {
    int32_t width = picture->width, height = picture->height, cell = picture->cell;
    if (picture->empty) return;
    for (int64_t pixel = 0; pixel < (int64_t)width * height; pixel++)
        for (int32_t i = 0; i < cell; i += 4) store4(picture->map + pixel * picture->record + i, all4(0));
    splat(model, picture);
    for (int level = 0; level < MAP_LEVELS; level++) {
        int32_t step = level ? cell : picture->record;
        if (level)
            halve_means(picture->sums[level - 1], level > 1 ? cell : picture->record, width >> level,
                        height >> level, cell, picture->sums[level]);
        if (level == MAP_LEVELS - 1) break;
        const float *weights = picture->sums[level] + picture->channels;
        float *clear = picture->clear[level];
        for (int64_t pixel = 0; pixel < (int64_t)(width >> level) * (height >> level);
             pixel++, weights += step)
            clear[pixel] = *weights == 0 ? 1 : exponential(-2 * picture->density * *weights);
    }
    fill_coarsest(picture, width >> (MAP_LEVELS - 1), height >> (MAP_LEVELS - 1));
    for (int level = MAP_LEVELS - 2; level >= 0; level--)
        fill_level(picture, level, level == MAP_LEVELS - 2 ? picture->coarsest : picture->sums[level + 1]);
    cover_whole(picture);
    write_covers(picture);
}
