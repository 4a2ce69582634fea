/* A triangle on the grid of 1/256 sample, and its edge functions (Pineda 1988).
 *
 * Edge i lies opposite corner i; its function is positive inside and, divided by the area, the barycentric
 * weight of that corner. All of it is in integers, so that neighbours neither overlap nor leave gaps. */
#ifndef DANCE_NOW_TRIANGLE_H
#define DANCE_NOW_TRIANGLE_H

#include "arithmetic.h"
#include "kernel.h"

enum { GRID = 256 };

typedef struct {
    int32_t x[3]; /* corners, turned so that the area is positive with y down */
    int32_t y[3];
    uint32_t vertex[3];
    int64_t area;
    int32_t back; /* its back is seen */
} Triangle;

/* Columns or rows of samples, both ends included. */
typedef struct {
    int32_t first;
    int32_t last;
} Range;

/* Reads a triangle; 0 where it is degenerate or too far away. */
static inline int read_triangle(const Model *model, const SnappedVertex *snapped, int32_t member,
                                Triangle *t) {
    const uint32_t *corners = model->corners + 3 * (int64_t)(member >> 1);
    const uint32_t hull = member & 1 ? (uint32_t)model->vertices : 0;
    for (int i = 0; i < 3; i++) {
        t->vertex[i] = corners[i] + hull;
        const SnappedVertex *vertex = snapped + t->vertex[i];
        if (vertex->x == OUTSIDE) return 0;
        t->x[i] = vertex->x;
        t->y[i] = vertex->y;
    }
    t->area = (int64_t)(t->x[1] - t->x[0]) * (t->y[2] - t->y[0]) -
              (int64_t)(t->y[1] - t->y[0]) * (t->x[2] - t->x[0]);
    if (t->area == 0) return 0;
    t->back = t->area > 0;
    if (t->area < 0) {
        int32_t x = t->x[1], y = t->y[1];
        uint32_t vertex = t->vertex[1];
        t->x[1] = t->x[2], t->y[1] = t->y[2], t->vertex[1] = t->vertex[2];
        t->x[2] = x, t->y[2] = y, t->vertex[2] = vertex;
        t->area = -t->area;
    }
    return 1;
}

/* Samples whose middle may lie between three coordinates. Shifts of negative numbers round down (GCC, Clang).
 */
static inline Range samples_between(const int32_t *c) {
    int32_t low = least_int(c[0], least_int(c[1], c[2])), high = most_int(c[0], most_int(c[1], c[2]));
    return (Range){(low + GRID / 2 - 1) >> 8, (high - GRID / 2) >> 8};
}

/* Value of an edge's function in the middle of a sample. */
static inline int64_t edge_at(const Triangle *t, int edge, int32_t column, int32_t row) {
    int from = edge == 2 ? 0 : edge + 1, to = edge == 0 ? 2 : edge - 1;
    return (int64_t)(t->x[to] - t->x[from]) * (row * GRID + GRID / 2 - t->y[from]) -
           (int64_t)(t->y[to] - t->y[from]) * (column * GRID + GRID / 2 - t->x[from]);
}

/* By how much it changes from a sample to the next in a row and in a column. */
static inline int64_t edge_across(const Triangle *t, int edge) {
    int from = edge == 2 ? 0 : edge + 1, to = edge == 0 ? 2 : edge - 1;
    return -(int64_t)(t->y[to] - t->y[from]) * GRID;
}

static inline int64_t edge_down(const Triangle *t, int edge) {
    int from = edge == 2 ? 0 : edge + 1, to = edge == 0 ? 2 : edge - 1;
    return (int64_t)(t->x[to] - t->x[from]) * GRID;
}

#endif
