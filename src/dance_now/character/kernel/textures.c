/* Textures' reduced levels (mip maps, Williams 1983): halvings averaged in linear light, weighted by alpha,
 * as render/mipmaps.py has them. Made once, when a character is loaded. */
#include "arithmetic.h"
#include "kernel.h"

/* The next level of a texture: half of each side, rounded down, at least 1. sRGB bytes, straight alpha. */
void halve_texels(const Model *model, const Level *from, const uint8_t *texels, uint8_t *halved) {
    const int32_t tall = from->height > 1 ? 2 : 1, wide = from->width > 1 ? 2 : 1;
    const int32_t height = from->height / tall, width = from->width / wide;
    for (int32_t y = 0; y < height; y++)
        for (int32_t x = 0; x < width; x++) {
            float colour[3] = {0, 0, 0}, weights = 0, alphas = 0;
            for (int32_t i = 0; i < tall * wide; i++) {
                int64_t row = tall * y + i / wide, column = wide * x + i % wide;
                const uint8_t *texel = texels + 4 * (row * from->width + column);
                float alpha = texel[3],
                      weight = alpha + 1e-3f; /* where all is clear the plain average stays */
                for (int channel = 0; channel < 3; channel++)
                    colour[channel] += model->decode[texel[channel]] * weight;
                weights += weight;
                alphas += alpha;
            }
            uint8_t *texel = halved + 4 * ((int64_t)y * width + x);
            for (int channel = 0; channel < 3; channel++)
                texel[channel] = encoded(model, colour[channel] / weights);
            texel[3] = (uint8_t)(alphas / (float)(tall * wide) + 0.5f);
        }
}

/* Bytes to the linear light that is drawn with. */
void decode_texels(const Model *model, int64_t count, const uint8_t *texels, uint16_t *decoded) {
    for (int64_t i = 0; i < count; i++)
        decoded[i] = (i & 3) == 3 ? (uint16_t)(texels[i] * 257) : model->decode_texel[texels[i]];
}
