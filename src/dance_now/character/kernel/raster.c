/* Stages 5 to 7: from placed triangles to pixels.
 *
 * Bands of 16 rows of pixels, 2x2 samples a pixel. Opaque and cut-out triangles leave their depth and number
 * at each sample they cover (a visibility buffer, Burns and Hunt 2013); then every triangle that a pixel sees
 * is shaded once, at the mean of its samples; blended triangles follow sample by sample. Coverage is exact:
 * integer edge functions (Pineda 1988) with the top-left rule, as in render/rasterizer.py.
 */
#include "shade.h"

static const float CLEAR = 0.002f; /* alpha below half a step of a byte draws nothing */
enum {
    BAND_SAMPLES = 2 * BAND_PIXELS,
    NARROW = 32,         /* samples; up to this width each sample is tried instead of solving for the ends */
    SMALL_EDGE = 1 << 14 /* grid steps; edge functions of triangles within it fit 32 bits */
};

/* ---- Binning ---------------------------------------------------------------------------------------- */

static BandRange bands_touched(const Model *model, const SnappedVertex *snapped, const Window *window,
                               int32_t member, int32_t double_sided) {
    const BandRange none = {0, -1};
    Triangle t;
    if (!read_triangle(model, snapped, member, &t)) return none;
    /* Of a hull only the inside is seen. */
    if (member & 1 ? !t.back : t.back && !double_sided) return none;
    Range columns = samples_between(t.x), rows = samples_between(t.y);
    rows.first = most_int(rows.first, 2 * window->top);
    rows.last = least_int(rows.last, 2 * (window->top + window->height) - 1);
    if (columns.first > columns.last || rows.first > rows.last) return none;
    if (columns.last < 2 * window->left || columns.first >= 2 * (window->left + window->width)) return none;
    return (BandRange){(int16_t)((rows.first - 2 * window->top) / BAND_SAMPLES),
                       (int16_t)((rows.last - 2 * window->top) / BAND_SAMPLES)};
}

/* Which bands each member touches: `ranges` (2 * triangles), `starts` (bands + 1). Returns the sum of it. */
int64_t count_members(const Model *model, const SnappedVertex *snapped, const Window *window,
                      BandRange *ranges, int32_t *starts) {
    const int32_t bands = (window->height + BAND_PIXELS - 1) / BAND_PIXELS;
    for (int32_t band = 0; band <= bands; band++) starts[band] = 0;
    int64_t total = 0;
    for (int32_t number = 0; number < model->surfaces; number++) {
        const Surface *surface = model->surface + number;
        for (int32_t i = 0; i < 2 * surface->triangles; i++) {
            int32_t member = 2 * surface->first_triangle + i;
            BandRange range = {0, -1};
            if (!(member & 1) || surface->outlined)
                range = bands_touched(model, snapped, window, member, surface->double_sided);
            ranges[member] = range;
            for (int32_t band = range.first; band <= range.last; band++) starts[band + 1]++;
            total += range.last - range.first + 1;
            if (total > INT32_MAX) return total;
        }
    }
    for (int32_t band = 0; band < bands; band++) starts[band + 1] += starts[band];
    return total;
}

/* Lists them in drawing order: surface by surface, its hull after it. `cursor` is room for (bands). */
void list_members(const Model *model, const BandRange *ranges, const int32_t *starts, int32_t bands,
                  int32_t *cursor, int32_t *members) {
    for (int32_t band = 0; band < bands; band++) cursor[band] = starts[band];
    for (int32_t number = 0; number < model->surfaces; number++) {
        const Surface *surface = model->surface + number;
        for (int32_t hull = 0; hull <= surface->outlined; hull++)
            for (int32_t i = 0; i < surface->triangles; i++) {
                int32_t member = 2 * (surface->first_triangle + i) + hull;
                for (int32_t band = ranges[member].first; band <= ranges[member].last; band++)
                    members[cursor[band]++] = member;
            }
    }
}

/* ---- One triangle in one band ----------------------------------------------------------------------- */

/* A band's samples: buffers hold `rows` times `columns` of them from (top, left) of the picture. */
typedef struct {
    const Scene *scene;
    const Scratch *scratch;
    int32_t top;
    int32_t left;
    int32_t rows;
    int32_t columns;
} Band;

/* Edge functions in the first sample, less 1 for those that do not own their samples (top-left rule), so
 * that a sample is covered where all three are at least 0. */
typedef struct {
    int64_t value[3];
    int64_t across[3];
    int64_t down[3];
} Edges;

static Edges edges_of(const Triangle *t, int32_t column, int32_t row) {
    Edges edges;
    for (int i = 0; i < 3; i++) {
        edges.across[i] = edge_across(t, i);
        edges.down[i] = edge_down(t, i);
        int owns = edges.across[i] > 0 || (edges.across[i] == 0 && edges.down[i] > 0);
        edges.value[i] = edge_at(t, i, column, row) - !owns;
    }
    return edges;
}

/* First and last of `count` samples that a row's edge functions cover, by trying each: for small triangles.
 */
static inline Range tried(const int32_t *value, const int32_t *across, int32_t count) {
    int32_t a = value[0], b = value[1], c = value[2];
    Range span = {0, -1};
    for (int32_t i = 0; i < count; i++) {
        if ((a | b | c) >= 0) {
            if (span.last < 0) span.first = i;
            span.last = i;
        }
        a += across[0];
        b += across[1];
        c += across[2];
    }
    return span;
}

/* The same by solving for where each edge crosses the row. The quotient of doubles may be one off, which the
 * exact function then mends. */
static inline Range solved(const Edges *edges, const double *inverse, int32_t count) {
    int64_t first = 0, last = (int64_t)count - 1;
    for (int i = 0; i < 3; i++) {
        int64_t value = edges->value[i], across = edges->across[i];
        if (across == 0) {
            if (value < 0) return (Range){0, -1};
            continue;
        }
        double crossing = -(double)value * inverse[i];
        if (across > 0) {
            if (crossing > (double)last + 2) return (Range){0, -1};
            int64_t x = crossing > 0 ? (int64_t)crossing : 0;
            while (value + across * x < 0) x++;
            while (x > 0 && value + across * (x - 1) >= 0) x--;
            if (x > first) first = x;
        } else {
            if (crossing < -1) return (Range){0, -1};
            int64_t x = crossing < (double)last ? (int64_t)crossing : last;
            while (x >= 0 && value + across * x < 0) x--;
            while (x < last && value + across * (x + 1) >= 0) x++;
            if (x < last) last = x;
        }
    }
    return (Range){(int32_t)first, (int32_t)last};
}

/* Depth as a plane from the triangle's own first sample on: the same whatever part of it is drawn. Clamped to
 * the corners' depths, since the plane of a sliver is steep. */
typedef struct {
    float origin, across, down, nearest, farthest;
    int32_t column, row;
} Depths;

static Depths depths_of(const Triangle *t, const SnappedVertex *snapped, int32_t column, int32_t row) {
    float a = snapped[t->vertex[0]].depth, b = snapped[t->vertex[1]].depth, c = snapped[t->vertex[2]].depth;
    double inverse = 1.0 / (double)t->area, ac = ((double)a - c) * inverse, bc = ((double)b - c) * inverse;
    Depths depths;
    depths.origin =
        (float)(c + ac * (double)edge_at(t, 0, column, row) + bc * (double)edge_at(t, 1, column, row));
    depths.across = (float)(ac * (double)edge_across(t, 0) + bc * (double)edge_across(t, 1));
    depths.down = (float)(ac * (double)edge_down(t, 0) + bc * (double)edge_down(t, 1));
    depths.nearest = least(a, least(b, c));
    depths.farthest = most(a, most(b, c));
    depths.column = column;
    depths.row = row;
    return depths;
}

static inline float nearest_corner(const Triangle *t, const SnappedVertex *snapped) {
    return least(snapped[t->vertex[0]].depth,
                 least(snapped[t->vertex[1]].depth, snapped[t->vertex[2]].depth));
}

static inline float row_depth(const Depths *depths, int32_t row) {
    return depths->origin + depths->down * (float)(row - depths->row);
}

static inline float depth_at(const Depths *depths, float row_start, int32_t column) {
    float depth = row_start + depths->across * (float)(column - depths->column);
    return least(most(depth, depths->nearest), depths->farthest);
}

/* Opaque: whatever is nearest is seen. Without branches, so that compilers make vectors of it. */
static void span_opaque(float *restrict buffer, int32_t *restrict visible, const Depths *depths,
                        float row_start, int32_t column, int32_t count, int32_t member) {
    const float across = depths->across, nearest = depths->nearest, farthest = depths->farthest;
    const int32_t from = column - depths->column;
    for (int32_t i = 0; i < count; i++) {
        float depth = row_start + across * (float)(from + i);
        depth = depth > nearest ? depth : nearest;
        depth = depth < farthest ? depth : farthest;
        int32_t seen = depth < buffer[i];
        buffer[i] = seen ? depth : buffer[i];
        visible[i] = seen ? member : visible[i];
    }
}

static void span_mask(const Band *band, int64_t at, const Depths *depths, float row_start, int32_t column,
                      int32_t row, int32_t count, int32_t member, const Shading *shading) {
    float *buffer = band->scratch->depth + at;
    for (int32_t i = 0; i < count; i++) {
        float depth = depth_at(depths, row_start, column + i);
        if (!(depth < buffer[i])) continue;
        if (alpha_at(band->scene->model, shading, column + i, row) < shading->surface->cutoff) continue;
        buffer[i] = depth;
        band->scratch->visible[at + i] = member;
    }
}

/* Blended: over what is there, in linear light, premultiplied. */
static void span_blend(const Band *band, int64_t at, const Depths *depths, float row_start, int32_t column,
                       int32_t row, int32_t count, const Shading *shading) {
    float *buffer = band->scratch->depth + at;
    for (int32_t i = 0; i < count; i++) {
        float depth = depth_at(depths, row_start, column + i);
        if (!(depth < buffer[i])) continue;
        Float4 colour = shade_pixel(band->scene->model, shading, column + i, row, ONE_SAMPLE);
        float alpha = colour[3];
        if (alpha <= CLEAR) continue;
        if (shading->surface->writes_depth) buffer[i] = depth;
        float *pixel = band->scratch->colour + 4 * (at + i);
        colour[3] = 1.0f;
        store4(pixel, colour * all4(alpha) + load4(pixel) * all4(1.0f - alpha));
    }
}

/* A small opaque triangle: four samples of a row at a time, each covered or not, instead of a span. The
 * buffers have room for the three samples that this may touch beyond the last. */
static void block_opaque(const Band *band, const Edges *edges, const Depths *depths, Range columns,
                         Range rows, int32_t member) {
    const Int4 lanes = {0, 1, 2, 3};
    const Int4 a_across = fill4((int32_t)edges->across[0]), b_across = fill4((int32_t)edges->across[1]);
    const Int4 c_across = fill4((int32_t)edges->across[2]), members = fill4(member);
    const Float4 nearest = all4(depths->nearest), farthest = all4(depths->farthest),
                 across = all4(depths->across);
    Int4 a_row = fill4((int32_t)edges->value[0]) + lanes * a_across;
    Int4 b_row = fill4((int32_t)edges->value[1]) + lanes * b_across;
    Int4 c_row = fill4((int32_t)edges->value[2]) + lanes * c_across;
    const Int4 a_down = fill4((int32_t)edges->down[0]), b_down = fill4((int32_t)edges->down[1]);
    const Int4 c_down = fill4((int32_t)edges->down[2]);
    for (int32_t row = rows.first; row <= rows.last; row++) {
        const float start = row_depth(depths, row);
        int64_t at = (int64_t)(row - band->top) * band->columns + (columns.first - band->left);
        Int4 a = a_row, b = b_row, c = c_row;
        for (int32_t column = columns.first; column <= columns.last; column += 4, at += 4) {
            Int4 place = fill4(column) + lanes;
            Float4 places = __builtin_convertvector(place - fill4(depths->column), Float4);
            Float4 depth = min4(max4(all4(start) + across * places, nearest), farthest);
            float *buffer = band->scratch->depth + at;
            int32_t *visible = band->scratch->visible + at;
            Float4 before = load4(buffer);
            Int4 seen = ((a | b | c) >= 0) & (place <= fill4(columns.last)) & (depth < before);
            store4(buffer, choose4(seen, depth, before));
            store4i(visible, (seen & members) | (~seen & load4i(visible)));
            a += a_across * 4;
            b += b_across * 4;
            c += c_across * 4;
        }
        a_row += a_down;
        b_row += b_down;
        c_row += c_down;
    }
}

/* Whether all that is drawn in a part of the band is as near as `nearest`. */
static int hidden(const Band *band, Range columns, Range rows, float nearest) {
    Int4 farther = fill4(0);
    for (int32_t row = rows.first; row <= rows.last; row++) {
        const float *depth = band->scratch->depth + (int64_t)(row - band->top) * band->columns - band->left;
        for (int32_t column = columns.first; column <= columns.last; column += 4)
            farther |= load4(depth + column) > all4(nearest);
    }
    return !any4(farther);
}

static void draw_triangle(const Band *band, int32_t member) {
    const Model *model = band->scene->model;
    const SnappedVertex *snapped = band->scene->snapped;
    Triangle t;
    if (!read_triangle(model, snapped, member, &t)) return;
    const Range all_columns = samples_between(t.x), all_rows = samples_between(t.y);
    Range columns, rows;
    columns.first = most_int(all_columns.first, band->left);
    columns.last = least_int(all_columns.last, band->left + band->columns - 1);
    rows.first = most_int(all_rows.first, band->top);
    rows.last = least_int(all_rows.last, band->top + band->rows - 1);
    const int32_t count = columns.last - columns.first + 1;
    if (count <= 0 || rows.first > rows.last) return;
    /* Most hulls, and what clothes cover, end here. */
    if (count <= NARROW && hidden(band, columns, rows, nearest_corner(&t, snapped))) return;
    Depths depths = depths_of(&t, snapped, all_columns.first, all_rows.first);

    const int32_t alpha_mode = model->surface[model->surface_of[member >> 1]].alpha_mode;
    Shading shading;
    if (alpha_mode != ALPHA_OPAQUE) prepare_shading(model, band->scene->vertices, &t, member, &shading);
    Edges edges = edges_of(&t, columns.first, rows.first);
    int small = count <= NARROW;
    double inverse[3] = {0, 0, 0};
    int32_t value[3], across[3], down[3];
    for (int i = 0; i < 3; i++) {
        int64_t size = edges.across[i] < 0 ? -edges.across[i] : edges.across[i];
        int64_t size_down = edges.down[i] < 0 ? -edges.down[i] : edges.down[i];
        small = small && size < SMALL_EDGE * GRID && size_down < SMALL_EDGE * GRID;
    }
    if (small && alpha_mode == ALPHA_OPAQUE) {
        block_opaque(band, &edges, &depths, columns, rows, member);
        return;
    }
    for (int i = 0; i < 3; i++) {
        if (small) {
            value[i] = (int32_t)edges.value[i];
            across[i] = (int32_t)edges.across[i];
            down[i] = (int32_t)edges.down[i];
        } else {
            inverse[i] = edges.across[i] != 0 ? 1.0 / (double)edges.across[i] : 0.0;
        }
    }
    for (int32_t row = rows.first; row <= rows.last; row++) {
        Range span = small ? tried(value, across, count) : solved(&edges, inverse, count);
        for (int i = 0; i < 3; i++) {
            if (small)
                value[i] += down[i];
            else
                edges.value[i] += edges.down[i];
        }
        if (span.first > span.last) continue;
        int32_t first = columns.first + span.first, length = span.last - span.first + 1;
        int64_t at = (int64_t)(row - band->top) * band->columns + (first - band->left);
        float start = row_depth(&depths, row);
        if (alpha_mode == ALPHA_OPAQUE)
            span_opaque(band->scratch->depth + at, band->scratch->visible + at, &depths, start, first, length,
                        member);
        else if (alpha_mode == ALPHA_MASK)
            span_mask(band, at, &depths, start, first, row, length, member, &shading);
        else
            span_blend(band, at, &depths, start, first, row, length, &shading);
    }
}

/* ---- Pixels ----------------------------------------------------------------------------------------- */

/* What shading needs of the triangles that were shaded last: most pixels' neighbours see the same. */
enum { RECENT = 64 };
typedef struct {
    int32_t member[RECENT];
    Shading shading[RECENT];
} Recent;

static const Shading *shading_of(const Band *band, int32_t member, Recent *recent) {
    int32_t place = member % RECENT;
    if (recent->member[place] != member) {
        Triangle t;
        read_triangle(band->scene->model, band->scene->snapped, member, &t);
        prepare_shading(band->scene->model, band->scene->vertices, &t, member, recent->shading + place);
        recent->member[place] = member;
    }
    return recent->shading + place;
}

/* Colours of a pixel's four samples, premultiplied; returns their mean. (x, y): upper left sample in band. */
static Float4 opaque_pixel(const Band *band, int32_t x, int32_t y, Recent *recent, Float4 *samples) {
    const int32_t *upper = band->scratch->visible + (int64_t)y * band->columns + x,
                  *lower = upper + band->columns;
    const int32_t members[4] = {upper[0], upper[1], lower[0], lower[1]};
    int32_t waiting = 0;
    for (int i = 0; i < 4; i++) {
        samples[i] = all4(0);
        waiting |= (members[i] >= 0) << i;
    }
    while (waiting) {
        int first = waiting & 1 ? 0 : waiting & 2 ? 1 : waiting & 4 ? 2 : 3, mask = 1 << first;
        const Shading *shading = shading_of(band, members[first], recent);
        /* Texels with hard edges would flicker if one of them stood for a whole pixel. */
        for (int i = first + 1; i < 4 && !shading->surface->nearest; i++)
            mask |= (members[i] == members[first]) << i;
        Float4 colour = shade_pixel(band->scene->model, shading, band->left + x, band->top + y, mask);
        if (mask == ALL_SAMPLES) {
            samples[0] = samples[1] = samples[2] = samples[3] = colour;
            return colour;
        }
        for (int i = first; i < 4; i++)
            if (mask >> i & 1) samples[i] = colour;
        waiting &= ~mask;
    }
    return ((samples[0] + samples[1]) + (samples[2] + samples[3])) * all4(0.25f);
}

static inline void write_pixel(const Model *model, Float4 premultiplied, uint8_t *pixel) {
    float alpha = premultiplied[3];
    if (!(alpha > 0)) return;
    Float4 straight = alpha == 1.0f ? premultiplied : premultiplied * all4(1.0f / alpha);
    Float4 steps = min4(max4(straight, all4(0.0f)), all4(1.0f)) * all4((float)ENCODE_STEPS);
    const Int4 step = __builtin_convertvector(steps, Int4);
    for (int i = 0; i < 3; i++) pixel[i] = encoded_from(model, straight[i], step[i]);
    pixel[3] = (uint8_t)(least(alpha, 1.0f) * 255.0f + 0.5f);
}

/* Writes a row's pixels from `x` to `end`, of which no blended triangle covers any. */
static void opaque_pixels(const Band *band, int32_t y, int32_t x, int32_t end, Recent *recent, uint8_t *row) {
    const Model *model = band->scene->model;
    const int32_t *upper = band->scratch->visible + (int64_t)2 * y * band->columns,
                  *lower = upper + band->columns;
    Float4 colours[4];
    while (x < end) {
        if (x + 4 <= end) {
            const Int4 a = load4i(upper + 2 * x), b = load4i(upper + 2 * x + 4);
            const Int4 c = load4i(lower + 2 * x), d = load4i(lower + 2 * x + 4);
            if (all_set4(a & b & c & d)) { /* all of them -1 */
                x += 4;
                continue;
            }
            const Int4 member = fill4(a[0]);
            if (a[0] >= 0 && !any4((a ^ member) | (b ^ member) | (c ^ member) | (d ^ member))) {
                const Shading *shading = shading_of(band, a[0], recent);
                if (!shading->surface->nearest) {
                    shade_four_pixels(model, shading, band->left + 2 * x, band->top + 2 * y, colours);
                    for (int i = 0; i < 4; i++) write_pixel(model, colours[i], row + 4 * (int64_t)(x + i));
                    x += 4;
                    continue;
                }
            }
        }
        const int32_t *above = upper + 2 * x, *below = lower + 2 * x;
        if ((above[0] & above[1] & below[0] & below[1]) != -1)
            write_pixel(model, opaque_pixel(band, 2 * x, 2 * y, recent, colours), row + 4 * (int64_t)x);
        x++;
    }
}

/* The pixels, relative to the band, that blended triangles may touch. */
static Window blended_part(const Band *band, const int32_t *members, int32_t count) {
    int32_t left = band->columns, top = band->rows, right = -1, bottom = -1;
    for (int32_t i = 0; i < count; i++) {
        Triangle t;
        if (!read_triangle(band->scene->model, band->scene->snapped, members[i], &t)) continue;
        Range columns = samples_between(t.x), rows = samples_between(t.y);
        left = least_int(left, columns.first - band->left);
        right = most_int(right, columns.last - band->left);
        top = least_int(top, rows.first - band->top);
        bottom = most_int(bottom, rows.last - band->top);
    }
    left = most_int(left, 0) / 2;
    top = most_int(top, 0) / 2;
    right = least_int(right, band->columns - 1) / 2;
    bottom = least_int(bottom, band->rows - 1) / 2;
    return (Window){left, top, right - left + 1, bottom - top + 1};
}

static void draw_blended(const Band *band, const int32_t *members, int32_t count, Window part,
                         Recent *recent) {
    const int64_t columns = band->columns;
    for (int32_t y = part.top; y < part.top + part.height; y++)
        for (int32_t x = part.left; x < part.left + part.width; x++) {
            Float4 samples[4];
            opaque_pixel(band, 2 * x, 2 * y, recent, samples);
            float *upper = band->scratch->colour + 4 * (2 * y * columns + 2 * x),
                  *lower = upper + 4 * columns;
            store4(upper, samples[0]);
            store4(upper + 4, samples[1]);
            store4(lower, samples[2]);
            store4(lower + 4, samples[3]);
        }
    for (int32_t i = 0; i < count; i++) draw_triangle(band, members[i]);
}

static void draw_band(const Scene *scene, const Scratch *scratch, int32_t number) {
    const Model *model = scene->model;
    const Window *window = &scene->window;
    const int32_t *members = scene->members + scene->starts[number];
    int32_t count = scene->starts[number + 1] - scene->starts[number], opaque = count;
    if (count == 0) return;
    while (opaque > 0 &&
           model->surface[model->surface_of[members[opaque - 1] >> 1]].alpha_mode == ALPHA_BLEND)
        opaque--;

    const int32_t first = number * BAND_PIXELS, pixels = least_int(BAND_PIXELS, window->height - first);
    Band band;
    band.scene = scene;
    band.scratch = scratch;
    band.top = 2 * (window->top + first);
    band.left = 2 * window->left;
    band.rows = 2 * pixels;
    band.columns = 2 * window->width;
    for (int64_t i = 0; i < (int64_t)band.rows * band.columns; i++) {
        scratch->depth[i] = __builtin_inff();
        scratch->visible[i] = -1;
    }
    for (int32_t i = 0; i < opaque; i++) draw_triangle(&band, members[i]);

    Recent recent;
    for (int i = 0; i < RECENT; i++) recent.member[i] = -1;
    Window blended = {0, 0, 0, 0};
    if (opaque < count) {
        blended = blended_part(&band, members + opaque, count - opaque);
        draw_blended(&band, members + opaque, count - opaque, blended, &recent);
    }
    for (int32_t y = 0; y < pixels; y++) {
        uint8_t *row = scene->picture + (int64_t)(first + y) * scene->stride;
        int mixed_row = y >= blended.top && y < blended.top + blended.height;
        int32_t end = mixed_row ? blended.left : window->width;
        opaque_pixels(&band, y, 0, end, &recent, row);
        if (!mixed_row) continue;
        for (int32_t x = blended.left; x < blended.left + blended.width; x++) {
            const float *above = scratch->colour + 4 * ((int64_t)2 * y * band.columns + 2 * x),
                        *below = above + 4 * (int64_t)band.columns;
            Float4 sum = (load4(above) + load4(above + 4)) + (load4(below) + load4(below + 4));
            write_pixel(model, sum * all4(0.25f), row + 4 * (int64_t)x);
        }
        opaque_pixels(&band, y, blended.left + blended.width, window->width, &recent, row);
    }
}

/* Draws every `step`th band from the first on; `picture` should be zeros. */
void draw_bands(const Scene *scene, const Scratch *scratch, int32_t first, int32_t step) {
    const int32_t bands = (scene->window.height + BAND_PIXELS - 1) / BAND_PIXELS;
    for (int32_t band = first; band < bands; band += step) draw_band(scene, scratch, band);
}

const char *dance_now_kernel_hash(void) { return DANCE_NOW_KERNEL_HASH; }
