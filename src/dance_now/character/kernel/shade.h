#ifndef DANCE_NOW_SHADE_H
#define DANCE_NOW_SHADE_H

#include "triangle.h"

/* What shading needs of a triangle, worked out once for all its pixels. */
typedef struct {
    Triangle triangle;
    const Surface *surface;
    const float *corner[3]; /* rows of the vertices */
    float inverse_area;
    float a_across, a_down;         /* change of the first corner's weight from sample to sample */
    float b_across, b_down;         /* of the second's */
    float light_across, light_down; /* of the normal's part towards the light, before it is made unit */
    float u_across, u_down;         /* of the texture coordinates, from sample to sample */
    float v_across, v_down;
    float stride; /* texels of the base texture, full size, from sample to sample along the longer way */
    float facing; /* -1 where the back is seen */
    float detail; /* texels of the base texture, full size, in a sample's area */
    int32_t hull;
} Shading;

/* Which of a pixel's four samples are meant: bit 0 upper left, 1 upper right, 2 lower left, 3 lower right. */
enum { ALL_SAMPLES = 15 };

void prepare_shading(const Model *model, const float *vertices, const Triangle *triangle, int32_t member,
                     Shading *shading);

/* Alpha of texture and factor in the middle of a sample. */
float alpha_at(const Model *model, const Shading *shading, int32_t column, int32_t row);

/* Linear colour and alpha, straight, of a single sample. */
Float4 shade_sample(const Model *model, const Shading *shading, int32_t column, int32_t row);

/* The same, once for some of the samples of a pixel whose upper left sample is at (column, row). */
Float4 shade_samples(const Model *model, const Shading *shading, int32_t column, int32_t row, int32_t mask);

#endif
