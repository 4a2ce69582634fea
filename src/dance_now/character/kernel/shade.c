/* Stage 6: the colour of a surface: textures, toon ramp, rim, matcap, emission, outline.
 *
 * The look is that of render/texture_sampling.py, which follows MToon (VRMC_materials_mtoon-1.0); light comes
 * from a direction that goes with the viewer. All colours are linear light.
 */
#include "shade.h"

static const float LIGHT[3] = {0.298142397f, 0.596284794f, 0.745355992f}; /* (0.3, 0.6, 0.75) of length 1 */
static const float FAR_TEXEL = 1e6f;   /* texture coordinates beyond it are not told apart */
static const float FINE_STRIDE = 0.5f; /* texels from sample to sample; twice that within part of a pixel */
static const float MATCAP_RADIUS = 0.495f; /* the rim of the sphere, less a texel or so */

/* For each mask of a pixel's samples: how many there are, the share of each, where their mean lies from the
 * first sample, and where each lies from the mean. Samples: upper left, upper right, lower left, lower right.
 */
#define COUNT(a, b, c, d) ((a) + (b) + (c) + (d))
#define SHARES(a, b, c, d)                                                                                 \
    {(a) / (COUNT(a, b, c, d) + 0.0f), (b) / (COUNT(a, b, c, d) + 0.0f), (c) / (COUNT(a, b, c, d) + 0.0f), \
     (d) / (COUNT(a, b, c, d) + 0.0f)}
#define ACROSS(a, b, c, d) (((b) + (d)) / (COUNT(a, b, c, d) + 0.0f))
#define DOWN(a, b, c, d) (((c) + (d)) / (COUNT(a, b, c, d) + 0.0f))
#define FROM_ACROSS(a, b, c, d) \
    {-ACROSS(a, b, c, d), 1 - ACROSS(a, b, c, d), -ACROSS(a, b, c, d), 1 - ACROSS(a, b, c, d)}
#define FROM_DOWN(a, b, c, d) \
    {-DOWN(a, b, c, d), -DOWN(a, b, c, d), 1 - DOWN(a, b, c, d), 1 - DOWN(a, b, c, d)}
#define EACH_MASK(of)                                                                                \
    {of(1, 0, 0, 0), of(1, 0, 0, 0), of(0, 1, 0, 0), of(1, 1, 0, 0), of(0, 0, 1, 0), of(1, 0, 1, 0), \
     of(0, 1, 1, 0), of(1, 1, 1, 0), of(0, 0, 0, 1), of(1, 0, 0, 1), of(0, 1, 0, 1), of(1, 1, 0, 1), \
     of(0, 0, 1, 1), of(1, 0, 1, 1), of(0, 1, 1, 1), of(1, 1, 1, 1)}
static const int8_t SAMPLE_COUNTS[16] = EACH_MASK(COUNT);
static const Float4 SAMPLE_SHARES[16] = EACH_MASK(SHARES);
static const float MEAN_ACROSS[16] = EACH_MASK(ACROSS);
static const float MEAN_DOWN[16] = EACH_MASK(DOWN);
static const Float4 SAMPLE_ACROSS[16] = EACH_MASK(FROM_ACROSS);
static const Float4 SAMPLE_DOWN[16] = EACH_MASK(FROM_DOWN);

static inline float towards_light(Attributes a) {
    return a.low[3] * LIGHT[0] + a.high[0] * LIGHT[1] + a.high[1] * LIGHT[2];
}

void prepare_shading(const Model *model, const float *vertices, const Triangle *triangle, int32_t member,
                     Shading *shading) {
    const Surface *surface = model->surface + model->surface_of[member >> 1];
    const float *corner[3];
    for (int i = 0; i < 3; i++) corner[i] = vertices + VERTEX_FLOATS * (int64_t)triangle->vertex[i];
    const Attributes c = {load4(corner[2]), load4(corner[2] + 4)};
    const Attributes from_a = {load4(corner[0]) - c.low, load4(corner[0] + 4) - c.high};
    const Attributes from_b = {load4(corner[1]) - c.low, load4(corner[1] + 4) - c.high};
    const float inverse = 1.0f / (float)triangle->area;
    const int32_t column = samples_between(triangle->x).first, row = samples_between(triangle->y).first;
    Float4 a = all4((float)edge_at(triangle, 0, column, row) * inverse);
    Float4 b = all4((float)edge_at(triangle, 1, column, row) * inverse);
    shading->origin =
        (Attributes){c.low + from_a.low * a + from_b.low * b, c.high + from_a.high * a + from_b.high * b};
    a = all4((float)edge_across(triangle, 0) * inverse);
    b = all4((float)edge_across(triangle, 1) * inverse);
    shading->across = (Attributes){from_a.low * a + from_b.low * b, from_a.high * a + from_b.high * b};
    a = all4((float)edge_down(triangle, 0) * inverse);
    b = all4((float)edge_down(triangle, 1) * inverse);
    shading->down = (Attributes){from_a.low * a + from_b.low * b, from_a.high * a + from_b.high * b};
    shading->column = column;
    shading->row = row;
    shading->surface = surface;
    shading->hull = member & 1;
    shading->facing = triangle->back && !shading->hull ? -1.0f : 1.0f;
    shading->light_across = towards_light(shading->across);
    shading->light_down = towards_light(shading->down);
    shading->detail = shading->stride = 0;
    if (surface->base_levels > 0) {
        const Level *level = model->levels + surface->base_level;
        const float width = (float)level->width, height = (float)level->height;
        const float u_across = shading->across.high[2], v_across = shading->across.high[3];
        const float u_down = shading->down.high[2], v_down = shading->down.high[3];
        shading->detail = absolute(u_across * v_down - u_down * v_across) * width * height;
        shading->stride = most((absolute(u_across) + absolute(u_down)) * width,
                               (absolute(v_across) + absolute(v_down)) * height);
    }
}

/* The attributes in the middle of some samples of a pixel, whose upper left one is at (column, row). */
static inline Attributes middle_of(const Shading *s, int32_t column, int32_t row, int32_t mask) {
    const Float4 across = all4((float)(column - s->column) + MEAN_ACROSS[mask]);
    const Float4 down = all4((float)(row - s->row) + MEAN_DOWN[mask]);
    return (Attributes){s->origin.low + s->across.low * across + s->down.low * down,
                        s->origin.high + s->across.high * across + s->down.high * down};
}

/* Levels down at which the base texture has one texel a sample: half of log2 of the texels in a sample's
 * area, whose whole part is the exponent of the float. */
static inline int32_t levels_down(const Shading *shading) {
    union {
        float value;
        int32_t bits;
    } texels = {shading->detail};
    if (!(texels.value > 1.0f)) return 0;
    return least_int(((texels.bits >> 23) - 127) >> 1, shading->surface->base_levels - 1);
}

static inline int32_t wrapped(int32_t index, int32_t size, int32_t wrap) {
    if (index >= 0 && index < size) return index;
    if (wrap == WRAP_CLAMP) return index < 0 ? 0 : size - 1;
    int32_t period = wrap == WRAP_MIRROR ? 2 * size : size;
    index %= period;
    if (index < 0) index += period;
    return index < size ? index : period - 1 - index;
}

/* Two neighbouring texels as four lanes: red and green of the first, blue and alpha of it, then the second.
 */
static inline Int4 texel_pair(const uint16_t *first) { return load4i((const int32_t *)(const void *)first); }

static inline Int4 joined_texels(const uint16_t *first, const uint16_t *second) {
    const Int4 a = texel_pair(first), b = texel_pair(second);
    return (Int4){a[0], a[1], b[0], b[1]};
}

/* Four places in a texture: their texels, and the shares of the right and the lower ones. */
typedef struct {
    const Level *level;
    const uint16_t *texels;
    int64_t next_row;
    Int4 columns, rows, beyond; /* beyond < 0: some of the four texels lie outside and are wrapped */
    Float4 left, right, down;
} Taps;

static ALWAYS_INLINE Taps taps_at(const Model *model, const Surface *surface, int32_t number, Float4 u,
                                  Float4 v, Float4 shares) {
    const Level *level = model->levels + number;
    const Float4 half = all4(0.5f), far = all4(FAR_TEXEL);
    Float4 x = u * all4((float)level->width) - half, y = v * all4((float)level->height) - half;
    Int4 near = (x > -far) & (x < far) & (y > -far) & (y < far);
    x = (Float4)((Int4)x & near);
    y = (Float4)((Int4)y & near);
    if (surface->nearest) {
        x = __builtin_convertvector(floor4(x + half), Float4);
        y = __builtin_convertvector(floor4(y + half), Float4);
    }
    /* A ramp has one column or row: whatever lies beside it has no share. */
    const int thin = level->width == 1, flat = level->height == 1;
    if (thin) x = all4(0.0f);
    if (flat) y = all4(0.0f);
    Taps taps;
    taps.level = level;
    taps.texels = model->texels + 4 * (int64_t)level->first;
    taps.next_row = flat ? 0 : 4 * (int64_t)level->width;
    taps.columns = floor4(x);
    taps.rows = floor4(y);
    taps.beyond = taps.columns | taps.rows | (fill4(level->width - 2 + thin) - taps.columns) |
                  (fill4(level->height - 2 + flat) - taps.rows);
    taps.down = y - __builtin_convertvector(taps.rows, Float4);
    taps.right = (x - __builtin_convertvector(taps.columns, Float4)) * shares;
    taps.left = shares - taps.right;
    return taps;
}

/* Sums of texels times their shares, of 65535: red and blue of left and right texels, green and alpha. */
typedef struct {
    Float4 even, odd;
} TexelSum;

/* Adds one of four places. Two neighbours are read at once. Texels are kept as linear light in 16 bits:
 * decoding sRGB here would cost more than all the rest of a surface's shading. */
static ALWAYS_INLINE void add_tap(const Taps *taps, const Surface *surface, int i, TexelSum *sum) {
    const Level *level = taps->level;
    Int4 upper, lower;
    if (taps->beyond[i] >= 0) { /* nearly always */
        const uint16_t *texel = taps->texels + 4 * ((int64_t)taps->rows[i] * level->width + taps->columns[i]);
        upper = texel_pair(texel);
        lower = texel_pair(texel + taps->next_row);
    } else {
        int32_t column = taps->columns[i], row = taps->rows[i];
        int32_t x0 = 4 * wrapped(column, level->width, surface->wrap_u);
        int32_t x1 = 4 * wrapped(column + 1, level->width, surface->wrap_u);
        int64_t y0 = 4 * (int64_t)wrapped(row, level->height, surface->wrap_v) * level->width;
        int64_t y1 = 4 * (int64_t)wrapped(row + 1, level->height, surface->wrap_v) * level->width;
        upper = joined_texels(taps->texels + y0 + x0, taps->texels + y0 + x1);
        lower = joined_texels(taps->texels + y1 + x0, taps->texels + y1 + x1);
    }
    const Float4 both = {taps->left[i], taps->left[i], taps->right[i], taps->right[i]};
    const Float4 below = both * all4(taps->down[i]), above = both - below;
    sum->even += above * low_halves(upper) + below * low_halves(lower);
    sum->odd += above * high_halves(upper) + below * high_halves(lower);
}

static inline Float4 colour_of(const TexelSum *sum) {
    Float4 even = sum->even, odd = sum->odd;
    return (Float4){even[0] + even[2], odd[0] + odd[2], even[1] + even[3], odd[1] + odd[3]} *
           all4(1.0f / 65535.0f);
}

/* Bilinear, in linear light. */
static inline Float4 fetch(const Model *model, const Surface *surface, int32_t level, float u, float v) {
    Taps taps = taps_at(model, surface, level, all4(u), all4(v), all4(1.0f));
    TexelSum sum = {all4(0.0f), all4(0.0f)};
    add_tap(&taps, surface, 0, &sum);
    return colour_of(&sum);
}

float alpha_at(const Model *model, const Shading *shading, int32_t column, int32_t row) {
    const Surface *surface = shading->surface;
    if (surface->base_levels == 0) return surface->base[3];
    const Float4 place = middle_of(shading, column, row, ONE_SAMPLE).high;
    return fetch(model, surface, surface->base_level + levels_down(shading), place[2], place[3])[3] *
           surface->base[3];
}

/* base^exponent; avatars' exponents are mostly 3 or 5, and multiplying is faster than logarithms. */
static inline float rim_at(float base, float exponent) {
    int32_t whole = exponent >= 1 && exponent <= 8 ? (int32_t)exponent : 0;
    if ((float)whole != exponent) return power01(base, exponent);
    float result = base;
    for (int32_t i = 1; i < whole; i++) result *= base;
    return result;
}

static inline float ramp_rim(const Surface *surface, float towards_viewer) {
    return rim_at(clamp01(1.0f - towards_viewer + surface->rim_lift), surface->rim_power);
}

/* What a surface's lighting is made of at one place. */
typedef struct {
    float across, down; /* of the normal of length 1, towards the viewer's side of the surface */
    float lit;          /* share of the ramp that is in light */
    float rim;
} Lighting;

/* The ramp is evaluated at each sample, along the plane that the normals make: its step is often narrower
 * than a pixel, and would crawl as stairs along the shadow. */
static inline Lighting light(const Shading *s, Attributes place, int32_t mask) {
    const Surface *surface = s->surface;
    const float x = place.low[3], y = place.high[0], z = place.high[1];
    const float size = s->facing / (square_root(x * x + y * y + z * z) + 1e-12f);
    Lighting result = {x * size, y * size, 1.0f, 0.0f};
    if (surface->unlit) return result;
    const float towards = result.across * LIGHT[0] + result.down * LIGHT[1] + z * size * LIGHT[2];
    Float4 each = all4(towards) + SAMPLE_ACROSS[mask] * all4(s->light_across * size) +
                  SAMPLE_DOWN[mask] * all4(s->light_down * size);
    each = (each - all4(surface->ramp_low)) * all4(surface->ramp_scale);
    result.lit = sum4(min4(max4(each, all4(0.0f)), all4(1.0f)) * SAMPLE_SHARES[mask]);
    if (surface->has_rim && !s->hull) result.rim = ramp_rim(surface, z * size);
    return result;
}

/* The same, to the bit, at the middles of four pixels of which all samples are seen: lanes are pixels here.
 */
static inline void light_four(const Shading *s, const Float4 *normal, Lighting *results) {
    const Surface *surface = s->surface;
    const Float4 zero = all4(0.0f), one = all4(1.0f), *shares = SAMPLE_SHARES + ALL_SAMPLES;
    const Float4 x = normal[0], y = normal[1], z = normal[2];
    const Float4 size = all4(s->facing) / (square_root4(x * x + y * y + z * z) + all4(1e-12f));
    const Float4 across = x * size, down = y * size, forth = z * size;
    Float4 lit = one;
    if (!surface->unlit) {
        const Float4 towards = across * all4(LIGHT[0]) + down * all4(LIGHT[1]) + forth * all4(LIGHT[2]);
        const Float4 light_across = all4(s->light_across) * size, light_down = all4(s->light_down) * size;
        Float4 each[4];
        for (int i = 0; i < 4; i++) {
            Float4 at = towards + all4(SAMPLE_ACROSS[ALL_SAMPLES][i]) * light_across +
                        all4(SAMPLE_DOWN[ALL_SAMPLES][i]) * light_down;
            at = (at - all4(surface->ramp_low)) * all4(surface->ramp_scale);
            each[i] = min4(max4(at, zero), one) * all4((*shares)[i]);
        }
        lit = (each[0] + each[1]) + (each[2] + each[3]);
    }
    for (int i = 0; i < 4; i++) {
        float rim = 0.0f;
        if (surface->has_rim && !surface->unlit && !s->hull) rim = ramp_rim(surface, forth[i]);
        results[i] = (Lighting){across[i], down[i], lit[i], rim};
    }
}

/* Where texels are large beside what the samples span, one look-up in their middle is as good as one for
 * each; else the lines of a drawn texture would crawl as stairs. */
static inline int is_fine(const Shading *s, int32_t mask) {
    if (mask == ALL_SAMPLES) return s->stride >= FINE_STRIDE;
    return SAMPLE_COUNTS[mask] > 1 && s->stride >= 2 * FINE_STRIDE;
}

static inline int32_t level_of(const Shading *s, int32_t first, int32_t levels) {
    return first + least_int(levels_down(s), levels - 1);
}

/* Mean of a texture over some samples of a pixel: (u, v) is their middle. */
static Float4 fetch_mean(const Model *model, const Shading *s, int32_t level, float u, float v,
                         int32_t mask) {
    if (!is_fine(s, mask)) return fetch(model, s->surface, level, u, v);
    const Float4 across = SAMPLE_ACROSS[mask], down = SAMPLE_DOWN[mask];
    const Taps taps = taps_at(
        model, s->surface, level, all4(u) + across * all4(s->across.high[2]) + down * all4(s->down.high[2]),
        all4(v) + across * all4(s->across.high[3]) + down * all4(s->down.high[3]), SAMPLE_SHARES[mask]);
    TexelSum sum = {all4(0.0f), all4(0.0f)};
    for (int i = 0; i < 4; i++)
        if (mask >> i & 1) add_tap(&taps, s->surface, i, &sum);
    return colour_of(&sum);
}

/* The same for four whole pixels. */
static inline void fetch_four(const Model *model, const Shading *s, int32_t level, Float4 u, Float4 v,
                              Float4 *colours) {
    if (is_fine(s, ALL_SAMPLES)) {
        for (int i = 0; i < 4; i++) colours[i] = fetch_mean(model, s, level, u[i], v[i], ALL_SAMPLES);
        return;
    }
    const Taps taps = taps_at(model, s->surface, level, u, v, all4(1.0f));
    for (int i = 0; i < 4; i++) {
        TexelSum sum = {all4(0.0f), all4(0.0f)};
        add_tap(&taps, s->surface, i, &sum);
        colours[i] = colour_of(&sum);
    }
}

/* A line of a colour of its own needs no texture, unless for its alpha. */
static inline int is_plain_line(const Shading *s) {
    return s->hull && s->surface->outline_mix == 0.0f && s->surface->alpha_mode != ALPHA_BLEND;
}

static inline Float4 line_colour(const Surface *surface) {
    Float4 colour = min4(load4(surface->outline), all4(1.0f));
    colour[3] = 1.0f;
    return colour;
}

/* The look, from the texels in light and in shade. */
static inline Float4 composed(const Model *model, const Shading *s, Float4 lit, Float4 dark,
                              Lighting lighting) {
    const Surface *surface = s->surface;
    Float4 colour = lit * load4(surface->base) * all4(lighting.lit) +
                    dark * load4(surface->shade) * all4(1.0f - lighting.lit) + load4(surface->emission) +
                    load4(surface->rim) * all4(lighting.rim);
    if (s->hull) {
        const Float4 mix = all4(surface->outline_mix);
        colour = load4(surface->outline) * (all4(1.0f) - mix + mix * colour);
    } else if (surface->has_matcap) {
        colour += fetch(model, surface, surface->matcap_level, 0.5f + MATCAP_RADIUS * lighting.across,
                        0.5f - MATCAP_RADIUS * lighting.down) *
                  load4(surface->matcap);
    }
    colour = min4(colour, all4(1.0f));
    colour[3] = surface->alpha_mode == ALPHA_BLEND ? clamp01(lit[3] * surface->base[3]) : 1.0f;
    return colour;
}

Float4 shade_pixel(const Model *model, const Shading *shading, int32_t column, int32_t row, int32_t mask) {
    const Surface *surface = shading->surface;
    if (is_plain_line(shading)) return line_colour(surface);
    const Attributes place = middle_of(shading, column, row, mask);
    const float u = place.high[2], v = place.high[3];
    Float4 lit = all4(1.0f), dark = all4(1.0f);
    if (surface->base_levels > 0)
        lit = fetch_mean(model, shading, level_of(shading, surface->base_level, surface->base_levels), u, v,
                         mask);
    if (surface->shade_level == surface->base_level)
        dark = lit;
    else if (surface->shade_levels > 0)
        dark = fetch_mean(model, shading, level_of(shading, surface->shade_level, surface->shade_levels), u,
                          v, mask);
    return composed(model, shading, lit, dark, light(shading, place, mask));
}

void shade_four_pixels(const Model *model, const Shading *shading, int32_t column, int32_t row,
                       Float4 *colours) {
    const Surface *surface = shading->surface;
    if (is_plain_line(shading)) {
        for (int i = 0; i < 4; i++) colours[i] = line_colour(surface);
        return;
    }
    Float4 lit[4], dark[4];
    Lighting lighting[4];
    const float along = (float)(column - shading->column) + MEAN_ACROSS[ALL_SAMPLES];
    const Float4 across = all4(along) + (Float4){0, 2, 4, 6};
    const Float4 down = all4((float)(row - shading->row) + MEAN_DOWN[ALL_SAMPLES]);
#define AT(half, lane)                                                              \
    (all4(shading->origin.half[lane]) + all4(shading->across.half[lane]) * across + \
     all4(shading->down.half[lane]) * down)
    const Float4 normal[3] = {AT(low, 3), AT(high, 0), AT(high, 1)}, u = AT(high, 2), v = AT(high, 3);
#undef AT
    for (int i = 0; i < 4; i++) lit[i] = dark[i] = all4(1.0f);
    if (surface->base_levels > 0)
        fetch_four(model, shading, level_of(shading, surface->base_level, surface->base_levels), u, v, lit);
    int own_shade = surface->shade_level != surface->base_level;
    if (own_shade && surface->shade_levels > 0)
        fetch_four(model, shading, level_of(shading, surface->shade_level, surface->shade_levels), u, v,
                   dark);
    light_four(shading, normal, lighting);
    for (int i = 0; i < 4; i++)
        colours[i] = composed(model, shading, lit[i], own_shade ? dark[i] : lit[i], lighting[i]);
}
