/* Stage 3: spring bones: hair, skirts and ribbons that follow the body.
 *
 * Verlet integration as VRMC_springBone-1.0 recommends it, in metres and in the axes of the view; the same
 * rule as render/springs.py, with which the training pictures were made. The format's numbers are tuned for
 * steps of 1/60 s; other steps are scaled so that the motion stays the same: what drag leaves of the speed by
 * a power, pulls by the square of the time. The state lies outside: tails now and one step before,
 * (2, joints, 3).
 */
#include "arithmetic.h"
#include "kernel.h"

static const double STEP_SECONDS = 1.0 / 60.0; /* the format's forces are tuned for it */
static const double SMALL = 1e-9;

/* Smallest rotation between unit vectors, by Rodrigues' formula; opposite ones are joined by a half turn. */
static Matrix rotation_between(Vector start, Vector end) {
    Vector c = cross(start, end);
    double cosine = dot(start, end);
    if (cosine < -1 + SMALL) {
        double x = start.x < 0 ? -start.x : start.x, y = start.y < 0 ? -start.y : start.y;
        double z = start.z < 0 ? -start.z : start.z;
        Vector helper = {x <= y && x <= z, y < x && y <= z, z < x && z < y};
        Vector a = unit(cross(start, helper));
        return (Matrix){{2 * a.x * a.x - 1, 2 * a.x * a.y, 2 * a.x * a.z, 2 * a.y * a.x, 2 * a.y * a.y - 1,
                         2 * a.y * a.z, 2 * a.z * a.x, 2 * a.z * a.y, 2 * a.z * a.z - 1}};
    }
    double k = 1.0 / (1.0 + cosine);
    return (Matrix){{1 - k * (c.y * c.y + c.z * c.z), k * c.x * c.y - c.z, k * c.x * c.z + c.y,
                     k * c.x * c.y + c.z, 1 - k * (c.x * c.x + c.z * c.z), k * c.y * c.z - c.x,
                     k * c.x * c.z - c.y, k * c.y * c.z + c.x, 1 - k * (c.x * c.x + c.y * c.y)}};
}

/* The tail brought to its bone's length from the head. */
static Vector at_length(Vector tail, Vector head, double size, Vector fallback) {
    Vector offset = minus(tail, head);
    double reach = length(offset);
    return plus(head, reach > SMALL ? times(offset, size / reach) : fallback);
}

/* The tail moved out of the colliders that a joint minds; `spheres` are start and end of each, posed. */
static Vector pushed(const Springs *springs, int32_t joint, const double *spheres, Vector tail, Vector head,
                     double size, Vector fallback) {
    double radius = springs->forces[6 * joint + 2];
    for (int32_t number = 0; number < springs->colliders; number++) {
        if (!springs->minds[(int64_t)joint * springs->colliders + number]) continue;
        Vector nearest = vector_at(spheres + 6 * number),
               along = minus(vector_at(spheres + 6 * number + 3), nearest);
        double size2 = dot(along, along), share = size2 > 0 ? dot(minus(tail, nearest), along) / size2 : 0;
        nearest = plus(nearest, times(along, share < 0 ? 0 : share > 1 ? 1 : share));
        Vector away = minus(tail, nearest);
        double distance = length(away), depth = springs->collider_radii[number] + radius - distance;
        if (depth > 0 && distance > SMALL)
            tail = at_length(plus(tail, times(away, depth / distance)), head, size, fallback);
    }
    return tail;
}

/* Puts every joint where the pose has it, without speed. */
void rest_springs(const Springs *springs, double *affines, double *state) {
    for (int32_t joint = 0; joint < springs->joints; joint++) {
        double *own = affines + 12 * (BONES + joint);
        const double *parent = affines + 12 * (int32_t)springs->parents[joint];
        for (int i = 0; i < 12; i++) own[i] = parent[i];
        Vector tail = carried(own, vector_of(springs->points + 6 * joint + 3));
        put_vector(state + 3 * joint, tail);
        put_vector(state + 3 * (springs->joints + joint), tail);
    }
}

/* Where a joint hangs at rest on what carries it: head, tail from there, and its length. */
typedef struct {
    Vector rest_head, head, rest;
    double size;
} Hanging;

static Hanging hanging(const Springs *springs, int32_t joint, const double *affines) {
    const double *parent = affines + 12 * (int32_t)springs->parents[joint];
    Hanging h;
    h.rest_head = vector_of(springs->points + 6 * joint);
    h.head = carried(parent, h.rest_head);
    h.rest = minus(carried(parent, vector_of(springs->points + 6 * joint + 3)), h.head);
    h.size = length(h.rest);
    if (h.size < SMALL) h.size = SMALL;
    return h;
}

/* Turns a joint so that its tail is where it should be; that lies at the bone's length from the head. */
static void turn_joint(const Springs *springs, int32_t joint, const Hanging *h, Vector tail,
                       double *affines) {
    const double *parent = affines + 12 * (int32_t)springs->parents[joint];
    double inverse = 1.0 / h->size;
    Matrix turn = rotation_between(times(h->rest, inverse), times(minus(tail, h->head), inverse));
    put_affine(affines + 12 * (BONES + joint), product(turn, rotation_of(parent)), h->rest_head, h->head);
}

/* Puts joints where `tails` (joints, 3) say, as nearly as their lengths allow. */
void follow_springs(const Springs *springs, double *affines, const double *tails) {
    for (int32_t joint = 0; joint < springs->joints; joint++) {
        Hanging h = hanging(springs, joint, affines);
        turn_joint(springs, joint, &h, at_length(vector_at(tails + 3 * joint), h.head, h.size, h.rest),
                   affines);
    }
}

/* Moves every joint on by `seconds`; the step before took `earlier`. Gravity of the file falls along -`up`, a
 * unit vector of the view frame. */
void step_springs(const Springs *springs, double *affines, double *state, double *colliders, const double *up,
                  double seconds, double earlier) {
    const double steps = seconds / STEP_SECONDS, pace = earlier > 0 ? seconds / earlier : 0;
    Matrix upright = rotation_between((Vector){0, 1, 0}, vector_at(up));
    for (int32_t number = 0; number < springs->colliders; number++) {
        const double *bone = affines + 12 * (int32_t)springs->collider_bones[number];
        for (int end = 0; end < 2; end++)
            put_vector(colliders + 6 * number + 3 * end,
                       carried(bone, vector_of(springs->collider_points + 6 * number + 3 * end)));
    }
    for (int32_t joint = 0; joint < springs->joints; joint++) {
        const float *forces = springs->forces + 6 * joint;
        Hanging h = hanging(springs, joint, affines);
        double drag = forces[1] < 0 ? 0 : forces[1] > 1 ? 1 : forces[1], kept = 1.0 - drag;
        if (steps != 1) kept = power01((float)kept, (float)steps);
        Vector now = vector_at(state + 3 * joint), before = vector_at(state + 3 * (springs->joints + joint));
        Vector pull = plus(times(h.rest, forces[0] / h.size), turned(upright, vector_of(forces + 3)));
        Vector tail = plus(plus(now, times(minus(now, before), kept * pace)), times(pull, seconds * steps));
        tail = at_length(tail, h.head, h.size, h.rest);
        tail = pushed(springs, joint, colliders, tail, h.head, h.size, h.rest);
        put_vector(state + 3 * (springs->joints + joint), now);
        put_vector(state + 3 * joint, tail);
        turn_joint(springs, joint, &h, tail, affines);
    }
}

/* A still pose's joints after `steps` of 1/60 s that start at rest. Without steps they stay at rest. */
void settle_springs(const Springs *springs, double *affines, double *state, double *colliders,
                    const double *up, int32_t steps) {
    rest_springs(springs, affines, state);
    for (int32_t step = 0; step < steps; step++)
        step_springs(springs, affines, state, colliders, up, STEP_SECONDS, STEP_SECONDS);
}
