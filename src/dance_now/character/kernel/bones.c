/* Stages 1 and 2: from keypoints to bone rotations and weights of expressions.
 *
 * Bone rule: frames, blends and swings of pose/model/bone_rule.py, which explains and defines them; a test
 * keeps both equal. Expressions: a linear map from where the face points are in the head's own frame, solved
 * by ridge regression when the character is built (training/rigging.py).
 */
#include "arithmetic.h"
#include "kernel.h"

enum { /* BODY_25 of OpenPose, then 70 face points and 21 points for each hand */
       NOSE = 0,
       NECK = 1,
       RIGHT_SHOULDER = 2,
       LEFT_SHOULDER = 5,
       MID_HIP = 8,
       RIGHT_HIP = 9,
       LEFT_HIP = 12,
       RIGHT_EAR = 17,
       LEFT_EAR = 18,
       LEFT_HAND = 95,
       RIGHT_HAND = 116,
       INDEX_KNUCKLE = 5, /* within a hand */
       MIDDLE_KNUCKLE = 9,
       LITTLE_KNUCKLE = 17,
};

enum { HIPS, CHEST, HEAD, LEFT_PALM, RIGHT_PALM, SPINE, UPPER_NECK, FIRST_SWING };

static const double SMALLEST_SCALE = 1e-9; /* pixels per metre; below it there is no figure */

static Vector view_point(const float *keypoints, int index) {
    const float *row = keypoints + 4 * index;
    return (Vector){row[0], -(double)row[1], -(double)row[2]};
}

/* Columns x, y, z; y is `towards_y` made square to x. */
static Matrix basis(Vector x_axis, Vector towards_y) {
    Vector x = unit(x_axis), z = unit(cross(x, towards_y)), y = cross(z, x);
    return (Matrix){{x.x, y.x, z.x, x.y, y.y, z.y, x.z, y.z, z.z}};
}

/* Halfway between two rotations: their mean, made square again. */
static Matrix blended(Matrix a, Matrix b) {
    Vector x = {a.m[0] + b.m[0], a.m[3] + b.m[3], a.m[6] + b.m[6]};
    Vector y = {a.m[1] + b.m[1], a.m[4] + b.m[4], a.m[7] + b.m[7]};
    return basis(x, y);
}

/* Smallest rotation from one direction to another, by the half-angle quaternion. */
static Matrix swing(Vector from, Vector to) {
    Vector a = unit(from), b = unit(to), axis = cross(a, b);
    double w = 1.0 + dot(a, b);
    if (w < 1e-6) w = 1e-6;
    double size = 1.0 / __builtin_sqrt(w * w + dot(axis, axis));
    double x = axis.x * size, y = axis.y * size, z = axis.z * size;
    w *= size;
    return (Matrix){{1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w), 2 * (x * y + z * w),
                     1 - 2 * (x * x + z * z), 2 * (y * z - x * w), 2 * (x * z - y * w), 2 * (y * z + x * w),
                     1 - 2 * (x * x + y * y)}};
}

/* The basis of a frame bone as keypoints show it. */
static Matrix frame(const float *keypoints, int bone) {
    Vector trunk = minus(view_point(keypoints, NECK), view_point(keypoints, MID_HIP));
    if (bone == HIPS)
        return basis(minus(view_point(keypoints, LEFT_HIP), view_point(keypoints, RIGHT_HIP)), trunk);
    if (bone == CHEST)
        return basis(minus(view_point(keypoints, LEFT_SHOULDER), view_point(keypoints, RIGHT_SHOULDER)),
                     trunk);
    if (bone == HEAD) {
        Vector left = view_point(keypoints, LEFT_EAR), right = view_point(keypoints, RIGHT_EAR);
        Vector across = minus(left, right),
               forward = minus(view_point(keypoints, NOSE), times(plus(left, right), 0.5));
        return basis(across, cross(forward, across));
    }
    int hand = bone == LEFT_PALM ? LEFT_HAND : RIGHT_HAND;
    Vector along = minus(view_point(keypoints, hand + MIDDLE_KNUCKLE), view_point(keypoints, hand));
    return basis(along, minus(view_point(keypoints, hand + INDEX_KNUCKLE),
                              view_point(keypoints, hand + LITTLE_KNUCKLE)));
}

void bone_rule(const Skeleton *skeleton, const float *keypoints, BonePose *pose) {
    Matrix found[BONES];
    Vector anchors[BONES];
    double drawn_length = 0;
    for (int segment = 0; segment < RIGID_SEGMENTS; segment++) {
        const int32_t *ends = skeleton->rigid_segments[segment];
        drawn_length += length(minus(view_point(keypoints, ends[0]), view_point(keypoints, ends[1])));
    }
    pose->scale = drawn_length / skeleton->rigid_length;

    for (int bone = 0; bone < FRAME_BONES; bone++)
        found[bone] = product(frame(keypoints, bone), transposed(matrix_at(skeleton->rest_frames[bone])));
    found[SPINE] = blended(found[HIPS], found[CHEST]);
    found[UPPER_NECK] = blended(found[CHEST], found[HEAD]);
    anchors[HIPS] = view_point(keypoints, MID_HIP);
    anchors[CHEST] = view_point(keypoints, NECK);
    anchors[HEAD] = times(plus(view_point(keypoints, RIGHT_EAR), view_point(keypoints, LEFT_EAR)), 0.5);
    anchors[LEFT_PALM] = view_point(keypoints, LEFT_HAND);
    anchors[RIGHT_PALM] = view_point(keypoints, RIGHT_HAND);
    Vector spine = turned(found[HIPS], vector_at(skeleton->spine_offset));
    Vector neck = turned(found[CHEST], vector_at(skeleton->neck_offset));
    anchors[SPINE] = plus(anchors[HIPS], times(spine, pose->scale));
    anchors[UPPER_NECK] = plus(anchors[CHEST], times(neck, pose->scale));

    for (int number = 0; number < SWING_BONES; number++) {
        int bone = FIRST_SWING + number;
        const int32_t *entry = skeleton->swings[number];
        Vector start = view_point(keypoints, entry[1]);
        Matrix parent = found[entry[0]];
        Vector local = turned(transposed(parent), minus(view_point(keypoints, entry[2]), start));
        Matrix turn = swing(vector_at(skeleton->relaxed[bone]), local);
        found[bone] = product(product(parent, turn), matrix_at(skeleton->to_relaxed[bone]));
        anchors[bone] = start;
    }
    for (int bone = 0; bone < BONES; bone++) {
        for (int i = 0; i < 9; i++) pose->rotations[bone][i] = found[bone].m[i];
        put_vector(pose->anchors[bone], anchors[bone]);
    }
}

/* Affine maps (BONES, 12): rest, metres -> view frame, metres. Springs and skinning work in metres. */
void bone_affines(const Skeleton *skeleton, const BonePose *pose, double *affines) {
    double metres = 1.0 / (pose->scale > SMALLEST_SCALE ? pose->scale : SMALLEST_SCALE);
    for (int bone = 0; bone < BONES; bone++)
        put_affine(affines + 12 * bone, matrix_at(pose->rotations[bone]), vector_at(skeleton->pivots[bone]),
                   times(vector_at(pose->anchors[bone]), metres));
}

/* Weights in [0, 1], from the departure of the face points that are seen (confidence above 0). */
void expression_weights(const Model *model, const Skeleton *skeleton, const BonePose *pose,
                        const float *keypoints, float *weights) {
    double metres = 1.0 / (pose->scale > SMALLEST_SCALE ? pose->scale : SMALLEST_SCALE);
    Matrix upright = transposed(matrix_at(pose->rotations[HEAD]));
    Vector anchor = vector_at(pose->anchors[HEAD]), pivot = vector_at(skeleton->pivots[HEAD]);
    double departures[FACE_POINTS][3];
    for (int point = 0; point < FACE_POINTS; point++) {
        Vector departure = {0, 0, 0};
        if (keypoints[4 * (FACE_START + point) + 3] > 0) {
            Vector local = times(minus(view_point(keypoints, FACE_START + point), anchor), metres);
            departure = minus(plus(turned(upright, local), pivot), vector_at(skeleton->face_rest[point]));
        }
        put_vector(departures[point], departure);
    }
    for (int32_t expression = 0; expression < model->expressions; expression++) {
        const float *solve = model->face_solve + (int64_t)expression * 3 * FACE_POINTS;
        double weight = 0;
        for (int i = 0; i < 3 * FACE_POINTS; i++) weight += departures[i / 3][i % 3] * solve[i];
        weights[expression] = clamp01((float)weight);
    }
}
