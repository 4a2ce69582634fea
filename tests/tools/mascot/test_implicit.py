"""Surface nets of blended distance functions are closed and face outward."""

import numpy as np

from tools.mascot.implicit import blended, cone, surface_net


def test_blended_limbs_close() -> None:
    body = blended(cone((0, 0, 0), (0.1, 0, 0), 0.03, 0.02), cone((0, 0, 0), (0, 0.1, 0), 0.03, 0.02), 0.02)
    positions, normals, triangles = surface_net(body, (-0.05, -0.05, -0.05), (0.15, 0.15, 0.05), 0.008)
    edges = np.sort(
        np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1
    )
    assert (np.unique(edges, axis=0, return_counts=True)[1] == 2).all()
    np.testing.assert_allclose(body(positions), 0, atol=2e-4)
    corners = positions[triangles]
    facing = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert ((facing * normals[triangles[:, 0]]).sum(axis=1) > 0).mean() > 0.99
