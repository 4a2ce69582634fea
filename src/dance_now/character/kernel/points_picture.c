/* Points network, last stage: the picture of the splatted and the sharp layer, smoothed, and the decoder's
 * residual on top of it. Reference: PointsGenerator.unshuffled and ExportedPointsGenerator.
 */
#include "points.h"

static const float CLEAR =
    0.03f; /* alpha below which a pixel is clear: the decoder never quite silences its noise */

enum { BASE_ROWS = 6 }; /* of the picture that smoothing needs at a time: of three rows of the map */

/* Room of a part for `finish_picture`. */
typedef struct {
    float *rows;   /* (BASE_ROWS, 1 + 2 * width + 1, 4), row y of the picture at y % BASE_ROWS */
    int32_t *of_3; /* (width) pixels shown among 3 and 5 of a column */
    int32_t *of_5;
} Room;

static float *base_row(const PointsPicture *picture, const Room *room, int32_t row) {
    return room->rows + (int64_t)(row % BASE_ROWS) * (2 * picture->width + 2) * 4 + 4;
}

/* How many of the 3 and of the 5 pixels of a column around row y show a patch. */
static void count_columns(const PointsPicture *picture, int32_t y, const Room *room) {
    int32_t width = picture->width;
    for (int32_t x = 0; x < width; x++) room->of_3[x] = room->of_5[x] = 0;
    for (int32_t row = most_int(y - 2, 0); row <= least_int(y + 2, picture->height - 1); row++) {
        const uint8_t *shown = picture->shown + (int64_t)row * width;
        int near_row = row >= y - 1 && row <= y + 1;
        for (int32_t x = 0; x < width; x++) {
            room->of_5[x] += shown[x];
            if (near_row) room->of_3[x] += shown[x];
        }
    }
}

/* Whether a figure has no openings here, only gaps between patches; those of a close figure are larger. */
static int is_solid(const PointsPicture *picture, const Room *room, int32_t x) {
    int32_t among_9 = 0, among_25 = 0, width = picture->width;
    for (int32_t column = most_int(x - 2, 0); column <= least_int(x + 2, width - 1); column++) {
        among_25 += room->of_5[column];
        if (column >= x - 1 && column <= x + 1) among_9 += room->of_3[column];
    }
    return among_9 == 9 || (float)among_25 / 25 + picture->sparseness > 1.61f;
}

/* Two rows of the picture before smoothing: the sharp layer over the splatted one, colors times alpha. */
static void write_base(const PointsPicture *picture, const Room *room, int32_t y) {
    int32_t width = picture->width;
    float *upper = base_row(picture, room, 2 * y), *lower = base_row(picture, room, 2 * y + 1);
    const float *record = picture->map + (int64_t)y * width * picture->record;
    count_columns(picture, y, room);
    for (int32_t x = 0; x < width; x++, record += picture->record) {
        const float *sharp = record + picture->channels + 2;
        Float4 mean = load4(record), tint = {record[3], record[4], record[5], 1};
        mean[3] = 1;
        Float4 cover = all4(is_solid(picture, room, x) ? 1 : record[picture->channels + 1]) * mean;
        for (int part = 0; part < 4; part++) {
            Float4 color = load4(sharp + 4 * part);
            Float4 value = color * tint + cover * all4(1 - color[3]);
            store4((part & 2 ? lower : upper) + 4 * (2 * x + (part & 1)), value);
        }
    }
    for (int row = 0; row < 2; row++) { /* beyond the edge lies the next pixel but one, mirrored */
        float *pixels = row ? lower : upper;
        store4(pixels - 4, load4(pixels + 4));
        store4(pixels + 4 * 2 * width, load4(pixels + 4 * (2 * width - 2)));
    }
}

/* Four pixels RGBA -> their reds, greens, blues and alphas. */
static inline void transpose(Float4 *p) {
    Float4 a = {p[0][0], p[1][0], p[2][0], p[3][0]}, b = {p[0][1], p[1][1], p[2][1], p[3][1]};
    Float4 c = {p[0][2], p[1][2], p[2][2], p[3][2]}, d = {p[0][3], p[1][3], p[2][3], p[3][3]};
    p[0] = a;
    p[1] = b;
    p[2] = c;
    p[3] = d;
}

/* [0, 1] -> 0..255; not a number becomes 0. */
static inline Int4 bytes_of(Float4 value) {
    value = choose4(value > all4(0), value, all4(0));
    value = min4(value, all4(1));
    return __builtin_convertvector(value * all4(255) + all4(0.5f), Int4);
}

/* Four premultiplied pixels as straight RGBA bytes. */
static inline void write_pixels(Float4 *pixels, uint8_t *rgba) {
    transpose(pixels);
    Float4 alpha = pixels[3], inverse = all4(1) / min4(max4(alpha, all4(1e-3f)), all4(1));
    Int4 bytes = bytes_of(pixels[0] * inverse) | bytes_of(pixels[1] * inverse) << 8 |
                 bytes_of(pixels[2] * inverse) << 16;
    bytes |= bytes_of((alpha - all4(CLEAR)) * all4(1 / (1 - CLEAR))) << 24;
    for (int i = 0; i < 4; i++) {
        uint32_t pixel = (uint32_t)bytes[i];
        for (int byte = 0; byte < 4; byte++) rgba[4 * i + byte] = (uint8_t)(pixel >> 8 * byte);
    }
}

/* One row of the picture, smoothed by a 3x3 filter, with the residual where there is one. */
static void write_row(const PointsModel *model, const PointsPicture *picture, const Room *room, int32_t row,
                      uint8_t *rgba) {
    const Tensor *residual = picture->tensors;
    int32_t count = 2 * picture->width, end = 2 * picture->height - 1, across = picture->width / NEAR_BLOCK;
    const float *here = base_row(picture, room, row);
    const float *above = base_row(picture, room, row ? row - 1 : 1);
    const float *below = base_row(picture, room, row < end ? row + 1 : end - 1);
    const uint8_t *near_row = picture->near_figure + (int64_t)(row / 2 / NEAR_BLOCK) * across;
    const float *added = residual->first + (int64_t)(row / 2) * residual->stride + 8 * (row & 1);
    Float4 own = all4(model->smoothing[0]), side = all4(model->smoothing[1]),
           corner = all4(model->smoothing[2]);
    Float4 beside = (load4(above - 4) + load4(below - 4)) * corner + load4(here - 4) * side;
    Float4 column = (load4(above) + load4(below)) * corner + load4(here) * side;
    for (int32_t x = 0; x < count; x += 4) {
        Float4 pixels[4];
        int near_figure = near_row[x / 2 / NEAR_BLOCK];
        for (int i = 0; i < 4; i++) {
            int32_t at = 4 * (x + i);
            Float4 sides = load4(above + at) + load4(below + at);
            Float4 next =
                (load4(above + at + 4) + load4(below + at + 4)) * corner + load4(here + at + 4) * side;
            pixels[i] = sides * side + load4(here + at) * own + (beside + next);
            beside = column;
            column = next;
            if (near_figure)
                pixels[i] += load4(added + (int64_t)(x + i) / 2 * residual->channels + 4 * (i & 1));
        }
        write_pixels(pixels, rgba + 4 * x);
    }
}

void finish_picture(const PointsModel *model, PointsPicture *picture, int32_t part, uint8_t *rgba,
                    int64_t stride) {
    int32_t top, bottom, width = picture->width, height = picture->height;
    float *memory = picture->part_room + part * picture->part_floats;
    Room room = {memory, (int32_t *)(memory + (int64_t)BASE_ROWS * (2 * width + 2) * 4), 0};
    room.of_5 = room.of_3 + width;
    if (picture->empty) return;
    part_rows(height, 1, picture->parts, part, &top, &bottom);
    for (int32_t y = most_int(top - 1, 0); y < least_int(top + 1, height); y++) write_base(picture, &room, y);
    for (int32_t y = top; y < bottom; y++) {
        if (y + 1 < height) write_base(picture, &room, y + 1);
        for (int32_t row = 2 * y; row < 2 * y + 2; row++)
            write_row(model, picture, &room, row, rgba + row * stride);
    }
}
