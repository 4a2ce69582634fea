#ifndef DANCE_NOW_SHADE_H
#define DANCE_NOW_SHADE_H

#include "triangle.h"

/* The eight numbers of a vertex in two registers: x, y, depth, normal x | normal y, normal z, u, v. */
typedef struct {
    Float4 low, high;
} Attributes;

/* What shading needs of a triangle, worked out once for all its pixels. */
typedef struct {
    const Surface *surface;
    Attributes origin, across, down; /* in the middle of a sample; their change from sample to sample */
    int32_t column, row;             /* that sample */
    float light_across, light_down;  /* of the normal's part towards the light, before it is made unit */
    float stride; /* texels of the base texture, full size, from sample to sample along the longer way */
    float facing; /* -1 where the back is seen */
    float detail; /* texels of the base texture, full size, in a sample's area */
    int32_t hull;
} Shading;

/* Which of a pixel's four samples are meant: bit 0 upper left, 1 upper right, 2 lower left, 3 lower right. */
enum { ONE_SAMPLE = 1, ALL_SAMPLES = 15 };

void prepare_shading(const Model *model, const float *vertices, const Triangle *triangle, int32_t member,
                     Shading *shading);

/* Alpha of texture and factor in the middle of a sample. */
float alpha_at(const Model *model, const Shading *shading, int32_t column, int32_t row);

/* Linear colour and alpha, straight, of a pixel as some of its samples see a triangle, once for all of them.
 * The upper left sample is at (column, row). */
Float4 shade_pixel(const Model *model, const Shading *shading, int32_t column, int32_t row, int32_t mask);

/* The same, to the bit, for four pixels side by side that see nothing else. */
void shade_four_pixels(const Model *model, const Shading *shading, int32_t column, int32_t row,
                       Float4 *colours);

#endif
