/* Stage 4: the surface follows its bones onto the picture.
 *
 * Sparse blend shapes, linear blend skinning (Magnenat-Thalmann et al. 1988) of positions and normals, and
 * outlines as an inverted hull: the surface once more, pushed out along welded normals (MToon of
 * VRMC_materials_mtoon-1.0: world widths in metres, screen widths as a fraction of the picture's height).
 */
#include "arithmetic.h"
#include "kernel.h"

static const float FAR_OUTSIDE = 100000.0f; /* samples; beyond it coordinates could overflow */

/* Rest positions and normals under expressions, (2, vertices, 3). */
static void apply_expressions(const Model *model, const float *weights, float *positions, float *normals) {
    for (int64_t i = 0; i < 3 * (int64_t)model->vertices; i++) {
        positions[i] = model->positions[i];
        normals[i] = model->normals[i];
    }
    int64_t first = 0;
    for (int32_t expression = 0; expression < model->expressions; expression++) {
        int64_t stop = first + model->expression_counts[expression];
        float weight = weights[expression];
        for (int64_t moved = first; weight > 0 && moved < stop; moved++) {
            int64_t vertex = model->expression_vertices[moved];
            for (int axis = 0; axis < 3; axis++) {
                positions[3 * vertex + axis] += weight * model->expression_offsets[3 * moved + axis];
                normals[3 * vertex + axis] += weight * model->expression_normals[3 * moved + axis];
            }
        }
        first = stop;
    }
}

static Float4 unit4(Float4 v) {
    Float4 squares = v * v;
    return v * all4(1.0f / square_root(most(squares[0] + squares[1] + squares[2], 1e-20f)));
}

/* A bone's matrix is kept by columns, each in a register of its own: a point is moved without adding across.
 */
static void fill_palette(const double *affines, int32_t count, float *palette) {
    for (int32_t bone = 0; bone < count; bone++)
        for (int column = 0; column < 4; column++)
            for (int row = 0; row < 4; row++)
                palette[16 * bone + 4 * column + row] =
                    row < 3 ? (float)affines[12 * (int64_t)bone + 4 * row + column] : 0.0f;
}

/* Places surface and hull: `vertices` is (2 * model->vertices, VERTEX_FLOATS).
 *
 * `palette` is room for (affine_count, 16), `shape` for (2, model->vertices, 3). `samples_high` is the
 * height of the picture, to which screen widths refer.
 */
void place_vertices(const Model *model, const double *affines, int32_t affine_count, const float *weights,
                    double samples_per_metre, double samples_high, float *palette, float *shape,
                    float *vertices) {
    const int64_t count = model->vertices;
    const float *positions = model->positions, *normals = model->normals;
    if (model->expressions > 0) {
        apply_expressions(model, weights, shape, shape + 3 * count);
        positions = shape;
        normals = shape + 3 * count;
    }
    fill_palette(affines, affine_count, palette);
    const float scale = (float)samples_per_metre, high = (float)samples_high;
    const Float4 onto_picture = {scale, -scale, -scale, 0};
    for (int64_t i = 0; i < count; i++) {
        Float4 matrix[4] = {all4(0), all4(0), all4(0), all4(0)};
        for (int k = 0; k < 4; k++) {
            float weight = model->weights[4 * i + k];
            const float *bone = palette + 16 * (int64_t)model->joints[4 * i + k];
            if (weight <= 0) continue;
            for (int column = 0; column < 4; column++)
                matrix[column] += all4(weight) * load4(bone + 4 * column);
        }
        const float *p = positions + 3 * i, *n = normals + 3 * i, *o = model->outline_normals + 3 * i;
        Float4 place = matrix[0] * all4(p[0]) + matrix[1] * all4(p[1]) + matrix[2] * all4(p[2]) + matrix[3];
        Float4 normal = unit4(matrix[0] * all4(n[0]) + matrix[1] * all4(n[1]) + matrix[2] * all4(n[2]));
        place *= onto_picture;
        float *surface = vertices + VERTEX_FLOATS * i, *hull = surface + VERTEX_FLOATS * count;
        for (int axis = 0; axis < 3; axis++) {
            surface[axis] = hull[axis] = place[axis];
            surface[3 + axis] = hull[3 + axis] = normal[axis];
        }
        surface[6] = hull[6] = model->uv[2 * i];
        surface[7] = hull[7] = model->uv[2 * i + 1];

        float world = model->world_widths[i], screen = model->screen_widths[i];
        if (!(world > 0 || screen > 0)) continue;
        normal = unit4(matrix[0] * all4(o[0]) + matrix[1] * all4(o[1]) + matrix[2] * all4(o[2]));
        /* A hull thinner than a sample would be drawn as dots. */
        float along = world > 0 ? most(world * scale, 1.0f) : 0.0f, reach = along;
        float flat = square_root(normal[0] * normal[0] + normal[1] * normal[1]);
        if (screen > 0 && flat > 1e-6f) {
            float facing =
                normal[2] < 0 ? -normal[2] : normal[2]; /* fades where the surface faces the viewer */
            reach += screen * high * most(1.0f - facing, 0.0f) / flat;
        }
        hull[0] += normal[0] * reach;
        hull[1] -= normal[1] * reach;
        hull[2] -= normal[2] * along;
        for (int axis = 0; axis < 3; axis++) hull[3 + axis] = normal[axis];
    }
}

/* Rounds places to the grid of 1/256 sample. `bounds`: left, top, right and bottom of all that can be drawn,
 * in that grid; right < left where there is nothing. */
void snap_vertices(int32_t count, const float *vertices, SnappedVertex *snapped, int32_t *bounds) {
    int32_t left = INT32_MAX, top = INT32_MAX, right = INT32_MIN, bottom = INT32_MIN;
    for (int64_t i = 0; i < count; i++) {
        float x = vertices[VERTEX_FLOATS * i], y = vertices[VERTEX_FLOATS * i + 1];
        float depth = vertices[VERTEX_FLOATS * i + 2];
        snapped[i].x = OUTSIDE;
        snapped[i].y = 0;
        snapped[i].depth = depth;
        /* So written that a number that is none fails too. */
        if (!(x > -FAR_OUTSIDE && x < FAR_OUTSIDE && y > -FAR_OUTSIDE && y < FAR_OUTSIDE)) continue;
        if (!(depth > -1e30f && depth < 1e30f)) continue;
        snapped[i].x = floor_int(x * 256.0f + 0.5f);
        snapped[i].y = floor_int(y * 256.0f + 0.5f);
        left = least_int(left, snapped[i].x);
        right = most_int(right, snapped[i].x);
        top = least_int(top, snapped[i].y);
        bottom = most_int(bottom, snapped[i].y);
    }
    bounds[0] = left;
    bounds[1] = top;
    bounds[2] = right;
    bounds[3] = bottom;
}
