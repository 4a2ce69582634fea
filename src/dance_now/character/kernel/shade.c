/* Stage 6: the colour of a surface: textures, toon ramp, rim, matcap, emission, outline.
 *
 * The look is that of render/texture_sampling.py, which follows MToon (VRMC_materials_mtoon-1.0); light comes from a
 * direction that goes with the viewer. All colours are linear light.
 */
#include "shade.h"

static const float LIGHT[3] = {0.298142397f, 0.596284794f, 0.745355992f}; /* (0.3, 0.6, 0.75) of length 1 */
static const float FAR_TEXEL = 1e6f;       /* texture coordinates beyond it are not told apart */
static const float FINE_STRIDE = 0.5f;     /* texels from sample to sample */
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

/* The eight numbers of a vertex in two registers: x, y, depth, normal x | normal y, normal z, u, v. */
typedef struct {
    Float4 low, high;
} Attributes;

static inline Attributes attributes_at(const Shading *s, float a, float b) {
    Float4 wa = all4(a), wb = all4(b), wc = all4(1.0f - a - b);
    return (Attributes){
        wa * load4(s->corner[0]) + wb * load4(s->corner[1]) + wc * load4(s->corner[2]),
        wa * load4(s->corner[0] + 4) + wb * load4(s->corner[1] + 4) + wc * load4(s->corner[2] + 4)};
}

void prepare_shading(const Model *model, const float *vertices, const Triangle *triangle, int32_t member,
                     Shading *shading) {
    const Surface *surface = model->surface + model->surface_of[member >> 1];
    shading->triangle = *triangle;
    shading->surface = surface;
    shading->hull = member & 1;
    shading->facing = triangle->back && !shading->hull ? -1.0f : 1.0f;
    shading->inverse_area = 1.0f / (float)triangle->area;
    float towards[3];
    for (int i = 0; i < 3; i++) {
        const float *corner = vertices + VERTEX_FLOATS * (int64_t)triangle->vertex[i];
        shading->corner[i] = corner;
        towards[i] = corner[3] * LIGHT[0] + corner[4] * LIGHT[1] + corner[5] * LIGHT[2];
    }
    shading->a_across = (float)edge_across(triangle, 0) * shading->inverse_area;
    shading->a_down = (float)edge_down(triangle, 0) * shading->inverse_area;
    shading->b_across = (float)edge_across(triangle, 1) * shading->inverse_area;
    shading->b_down = (float)edge_down(triangle, 1) * shading->inverse_area;
    float a = towards[0] - towards[2], b = towards[1] - towards[2];
    shading->light_across = a * shading->a_across + b * shading->b_across;
    shading->light_down = a * shading->a_down + b * shading->b_down;
    const float *ta = shading->corner[0] + 6, *tb = shading->corner[1] + 6, *tc = shading->corner[2] + 6;
    shading->u_across = shading->a_across * (ta[0] - tc[0]) + shading->b_across * (tb[0] - tc[0]);
    shading->u_down = shading->a_down * (ta[0] - tc[0]) + shading->b_down * (tb[0] - tc[0]);
    shading->v_across = shading->a_across * (ta[1] - tc[1]) + shading->b_across * (tb[1] - tc[1]);
    shading->v_down = shading->a_down * (ta[1] - tc[1]) + shading->b_down * (tb[1] - tc[1]);
    shading->detail = shading->stride = 0;
    if (surface->base_levels > 0) {
        const Level *level = model->levels + surface->base_level;
        float width = (float)level->width, height = (float)level->height;
        float area = shading->u_across * shading->v_down - shading->u_down * shading->v_across;
        shading->detail = absolute(area) * width * height;
        shading->stride = most((absolute(shading->u_across) + absolute(shading->u_down)) * width,
                               (absolute(shading->v_across) + absolute(shading->v_down)) * height);
    }
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

/* A place between texels: the four around it and the shares of the right and lower ones. */
typedef struct {
    const uint16_t *texel[4];
    float across, down;
} Tap;

static inline Tap tap_at(const Model *model, const Surface *surface, int32_t number, float u, float v) {
    const Level *level = model->levels + number;
    float x = u * (float)level->width - 0.5f, y = v * (float)level->height - 0.5f;
    if (!(x > -FAR_TEXEL && x < FAR_TEXEL && y > -FAR_TEXEL && y < FAR_TEXEL)) x = y = 0;
    if (surface->nearest) {
        x = (float)floor_int(x + 0.5f);
        y = (float)floor_int(y + 0.5f);
    }
    int32_t column = floor_int(x), row = floor_int(y);
    Tap tap;
    tap.across = x - (float)column;
    tap.down = y - (float)row;
    if (column >= 0 && row >= 0 && column + 1 < level->width && row + 1 < level->height) { /* nearly always */
        const uint16_t *texel = model->texels + 4 * (level->first + (int64_t)row * level->width + column);
        tap.texel[0] = texel;
        tap.texel[1] = texel + 4;
        tap.texel[2] = texel + 4 * (int64_t)level->width;
        tap.texel[3] = tap.texel[2] + 4;
        return tap;
    }
    int32_t x0 = wrapped(column, level->width, surface->wrap_u);
    int32_t x1 = wrapped(column + 1, level->width, surface->wrap_u);
    int32_t y0 = level->first + wrapped(row, level->height, surface->wrap_v) * level->width;
    int32_t y1 = level->first + wrapped(row + 1, level->height, surface->wrap_v) * level->width;
    tap.texel[0] = model->texels + 4 * (int64_t)(y0 + x0);
    tap.texel[1] = model->texels + 4 * (int64_t)(y0 + x1);
    tap.texel[2] = model->texels + 4 * (int64_t)(y1 + x0);
    tap.texel[3] = model->texels + 4 * (int64_t)(y1 + x1);
    return tap;
}

/* Texels are kept as linear light in 16 bits: a look-up for each channel of four texels costs more than all
 * the rest of a surface's shading. */
static inline Float4 decoded(const uint16_t *texel) {
    const Int4 whole = {texel[0], texel[1], texel[2], texel[3]};
    return __builtin_convertvector(whole, Float4);
}

/* Bilinear, in linear light. */
static Float4 fetch(const Model *model, const Surface *surface, int32_t level, float u, float v) {
    Tap tap = tap_at(model, surface, level, u, v);
    Float4 across = all4(tap.across), down = all4(tap.down);
    Float4 a = decoded(tap.texel[0]), b = decoded(tap.texel[1]);
    Float4 c = decoded(tap.texel[2]), d = decoded(tap.texel[3]);
    Float4 upper = a + (b - a) * across, lower = c + (d - c) * across;
    return (upper + (lower - upper) * down) * all4(1.0f / 65535.0f);
}

static inline void weights_at(const Shading *s, int32_t column, int32_t row, float *a, float *b) {
    *a = (float)edge_at(&s->triangle, 0, column, row) * s->inverse_area;
    *b = (float)edge_at(&s->triangle, 1, column, row) * s->inverse_area;
}

float alpha_at(const Model *model, const Shading *shading, int32_t column, int32_t row) {
    const Surface *surface = shading->surface;
    if (surface->base_levels == 0) return surface->base[3];
    float a, b;
    weights_at(shading, column, row, &a, &b);
    Float4 place = attributes_at(shading, a, b).high;
    Tap tap = tap_at(model, surface, surface->base_level + levels_down(shading), place[2], place[3]);
    float upper = tap.texel[0][3] + ((float)tap.texel[1][3] - tap.texel[0][3]) * tap.across;
    float lower = tap.texel[2][3] + ((float)tap.texel[3][3] - tap.texel[2][3]) * tap.across;
    return (upper + (lower - upper) * tap.down) * (1.0f / 65535.0f) * surface->base[3];
}

/* What a surface's lighting is made of at one place. */
typedef struct {
    float normal[3]; /* of length 1, towards the viewer's side of the surface */
    float lit;       /* share of the ramp that is in light */
    float rim;
} Lighting;

/* The ramp is evaluated at each sample, along the plane that the normals make: its step is often narrower
 * than a pixel, and would crawl as stairs along the shadow. */
static Lighting light(const Shading *s, Attributes place, int32_t mask) {
    const Surface *surface = s->surface;
    Lighting result;
    float x = place.low[3], y = place.high[0], z = place.high[1];
    float size = s->facing / (square_root(x * x + y * y + z * z) + 1e-12f);
    result.normal[0] = x * size;
    result.normal[1] = y * size;
    result.normal[2] = z * size;
    result.lit = 1.0f;
    result.rim = 0.0f;
    if (surface->unlit) return result;
    float towards = result.normal[0] * LIGHT[0] + result.normal[1] * LIGHT[1] + result.normal[2] * LIGHT[2];
    if (SAMPLE_COUNTS[mask] == 1) {
        result.lit = clamp01((towards - surface->ramp_low) * surface->ramp_scale);
    } else {
        Float4 shares = SAMPLE_SHARES[mask];
        Float4 each = all4(towards) + SAMPLE_ACROSS[mask] * all4(s->light_across * size) +
                      SAMPLE_DOWN[mask] * all4(s->light_down * size);
        each = (each - all4(surface->ramp_low)) * all4(surface->ramp_scale);
        result.lit = sum4(min4(max4(each, all4(0.0f)), all4(1.0f)) * shares);
    }
    if (surface->has_rim && !s->hull)
        result.rim = power01(clamp01(1.0f - result.normal[2] + surface->rim_lift), surface->rim_power);
    return result;
}

/* Mean of a texture over some samples of a pixel: (u, v) is their middle. Where texels are far larger than
 * samples, one look-up there is as good; else the lines of a drawn texture would crawl as stairs. */
static Float4 fetch_mean(const Model *model, const Shading *s, int32_t first, int32_t levels, float u,
                         float v, int32_t mask) {
    int32_t level = first + least_int(levels_down(s), levels - 1);
    if (SAMPLE_COUNTS[mask] == 1 || s->stride < FINE_STRIDE) return fetch(model, s->surface, level, u, v);
    Float4 mean = all4(0.0f);
    for (int i = 0; i < 4; i++) {
        if (!(mask >> i & 1)) continue;
        float across = SAMPLE_ACROSS[mask][i], down = SAMPLE_DOWN[mask][i];
        mean += all4(SAMPLE_SHARES[mask][i]) * fetch(model, s->surface, level,
                                                     u + across * s->u_across + down * s->u_down,
                                                     v + across * s->v_across + down * s->v_down);
    }
    return mean;
}

Float4 shade_samples(const Model *model, const Shading *shading, int32_t column, int32_t row, int32_t mask) {
    const Surface *surface = shading->surface;
    /* A line of a colour of its own needs no texture, unless for its alpha. */
    int plain_line = shading->hull && surface->outline_mix == 0.0f;
    if (plain_line && surface->alpha_mode != ALPHA_BLEND)
        return (Float4){least(surface->outline[0], 1.0f), least(surface->outline[1], 1.0f),
                        least(surface->outline[2], 1.0f), 1.0f};

    float a, b;
    weights_at(shading, column, row, &a, &b);
    a += shading->a_across * MEAN_ACROSS[mask] + shading->a_down * MEAN_DOWN[mask];
    b += shading->b_across * MEAN_ACROSS[mask] + shading->b_down * MEAN_DOWN[mask];
    Attributes place = attributes_at(shading, a, b);
    float u = place.high[2], v = place.high[3];

    Float4 lit = all4(1.0f), dark = all4(1.0f);
    if (surface->base_levels > 0)
        lit = fetch_mean(model, shading, surface->base_level, surface->base_levels, u, v, mask);
    float alpha = surface->alpha_mode == ALPHA_BLEND ? lit[3] * surface->base[3] : 1.0f;
    if (surface->shade_level == surface->base_level)
        dark = lit;
    else if (surface->shade_levels > 0)
        dark = fetch_mean(model, shading, surface->shade_level, surface->shade_levels, u, v, mask);

    Lighting lighting = light(shading, place, mask);
    Float4 colour = lit * load4(surface->base) * all4(lighting.lit) +
                    dark * load4(surface->shade) * all4(1.0f - lighting.lit) + load4(surface->emission) +
                    load4(surface->rim) * all4(lighting.rim);
    if (shading->hull) {
        Float4 mix = all4(surface->outline_mix);
        colour = load4(surface->outline) * (all4(1.0f) - mix + mix * colour);
    } else if (surface->has_matcap) {
        float matcap_u = 0.5f + MATCAP_RADIUS * lighting.normal[0],
              matcap_v = 0.5f - MATCAP_RADIUS * lighting.normal[1];
        colour += fetch(model, surface, surface->matcap_level, matcap_u, matcap_v) * load4(surface->matcap);
    }
    colour = min4(colour, all4(1.0f));
    colour[3] = clamp01(alpha);
    return colour;
}

Float4 shade_sample(const Model *model, const Shading *shading, int32_t column, int32_t row) {
    return shade_samples(model, shading, column, row, 1);
}
