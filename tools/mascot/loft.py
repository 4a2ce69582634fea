"""Lofting and sweeping of surfaces along lines: limbs, locks of hair, hems, skirts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from tools.mascot.surface import Points, Skin, Surface, grid_triangles, surface_normals, unit

Section = Callable[[Points], Points]
"""Angles (n,) -> (n, 2) outline of a cross-section of size 1: across, outward."""


def ellipse(angles: Points) -> Points:
    """Ellipse cross-section."""
    return np.stack([np.cos(angles), np.sin(angles)], axis=-1)


def rounded(exponent: float) -> Section:
    """Superellipse cross-section, between a circle (2) and a square (large exponents)."""

    def outline(angles: Points) -> Points:
        circle = ellipse(angles)
        return np.asarray(np.sign(circle) * np.abs(circle) ** (2 / exponent))

    return outline


def blade(angles: Points) -> Points:
    """Blade cross-section of a lock of hair: sharp at its sides, arched outside, nearly flat inside."""
    across, outward = np.cos(angles), np.sin(angles)
    arch = np.where(outward > 0, 1.0, 0.35) * np.sign(outward) * np.abs(outward) ** 1.25
    return np.stack([across, arch], axis=-1)


def sweep(
    line: npt.ArrayLike,
    width: npt.ArrayLike,
    thickness: npt.ArrayLike,
    outward: npt.ArrayLike,
    *,
    sides: int = 12,
    section: Section = ellipse,
    caps: bool = True,
    tangents: npt.ArrayLike | None = None,
) -> Surface:
    """Sweeps a cross-section along a line.

    Args:
        line: (n, 3) metres.
        width: (n,) half the extent across, metres.
        thickness: (n,) half the extent outward, metres.
        outward: (3,) or (n, 3) which way the section's outward axis looks.
        sides: vertices around.
        section: the cross-section.
        caps: close both ends with a point.
        tangents: (n, 3) normals of the cross-sections, where the line's own will not do.

    Returns:
        The surface with u around (0 to 1 and back, from one side over the outside to the other), v along,
        and no skin.
    """
    centre = np.asarray(line, np.float64)
    along = unit(np.gradient(centre, axis=0) if tangents is None else tangents)
    away = np.broadcast_to(np.asarray(outward, np.float64), centre.shape)
    away = unit(away - along * (away * along).sum(axis=1, keepdims=True))
    across = np.cross(along, away)
    angles = np.linspace(0, 2 * np.pi, sides + 1)
    outline = section(angles)
    half = np.broadcast_to(np.asarray(width, np.float64), (len(centre),))[:, None, None]
    deep = np.broadcast_to(np.asarray(thickness, np.float64), (len(centre),))[:, None, None]
    rings = (
        centre[:, None]
        + across[:, None] * outline[None, :, :1] * half
        + away[:, None] * outline[None, :, 1:] * deep
    )
    lengths = np.r_[0, np.cumsum(np.linalg.norm(np.diff(centre, axis=0), axis=1))]
    v = lengths / max(lengths[-1], 1e-9)
    if caps:  # a first and a last ring that are points
        ends = [np.broadcast_to(centre[row], rings[:1].shape) for row in (0, -1)]
        rings, v = np.concatenate([ends[0], rings, ends[1]]), np.r_[v[0], v, v[-1]]
    u = (1 - outline[:, 0]) / 2
    uv = np.stack(np.broadcast_arrays(u[None], v[:, None]), axis=-1)
    return from_rings(rings, uv)


def from_rings(rings: Points, uv: Points) -> Surface:
    """Lofted surface through (rows, columns, 3) vertices with (rows, columns, 2) texture coordinates.

    It is seen from where rows run down and columns run to the right. Vertices in one place share a normal.
    """
    rows, columns = rings.shape[:2]
    positions = rings.reshape(-1, 3)
    triangles = grid_triangles(rows, columns)
    corners = positions[triangles]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    # Collapsed ones have 1e-12 at most, by the last bits of a processor; real ones 1e-8 at least.
    triangles = triangles[area > 1e-10]
    skin: Skin = {}
    return Surface(positions, surface_normals(positions, triangles), uv.reshape(-1, 2), triangles, skin)


def closed_tangents(line: Points) -> Points:
    """Tangents (n, 3) of a closed line whose last point is its first."""
    padded = np.concatenate([line[-2:-1], line, line[1:2]])
    return unit(padded[2:] - padded[:-2])


def kept(surface: Surface, vertices: npt.NDArray[np.bool_]) -> Surface:
    """Subset of a surface: some of its vertices and their triangles; normals stay as they were."""
    renamed = np.cumsum(vertices) - 1
    triangles = renamed[surface.triangles[vertices[surface.triangles].all(axis=1)]]
    skin = {name: weight[vertices] for name, weight in surface.skin.items()}
    return Surface(
        surface.positions[vertices], surface.normals[vertices], surface.uv[vertices], triangles, skin
    )


def ring(
    centre: npt.ArrayLike,
    radii: tuple[float, float],
    tube: float,
    *,
    height: float | None = None,
    count: int = 28,
) -> Surface:
    """Closed band around the y axis: hems, cuffs, soles (turned by the caller).

    Args:
        centre: (3,) metres.
        radii: along x and z, of the band's middle line.
        tube: half its thickness.
        height: half its height; as thick as high by default.
        count: vertices around.
    """
    angles = np.linspace(0, 2 * np.pi, count + 1)
    direction = np.stack([np.cos(angles), np.zeros_like(angles), -np.sin(angles)], axis=1)
    middle = np.asarray(centre, np.float64) + direction * (radii[0], 0, radii[1])
    tangents = np.stack([-np.sin(angles), np.zeros_like(angles), -np.cos(angles)], axis=1)
    section = rounded(3.0)
    return sweep(
        middle,
        height or tube,
        tube,
        direction,
        sides=12,
        section=section,
        caps=False,
        tangents=tangents * (radii[0], 1, radii[1]),
    )
