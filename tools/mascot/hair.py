"""Hair meshes: a cap, locks in layers over it, two tails and a stray lock on springs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from tools.mascot import skull
from tools.mascot.loft import blade, ellipse, from_rings, kept, sweep
from tools.mascot.skeleton import CHAINS, Chain
from tools.mascot.surface import Points, Skin, Surface, curve, join, smooth_step, through

_SIDES: Final = 12  # of a lock's cross-section
_HANG: Final = 1.262  # below this height hair hangs straight down
_taper = curve([(0, 0.50), (0.2, 0.88), (0.42, 1.0), (0.66, 0.80), (0.86, 0.42), (1, 0.0)])
_fluff = curve(
    [(0, 0.40), (0.10, 0.42), (0.20, 0.74), (0.42, 1.0), (0.62, 0.84), (0.82, 0.50), (0.95, 0.17), (1, 0.0)]
)


@dataclass(frozen=True)
class Lock:
    """Lock of hair: (degrees from the front, y, metres off the skull) along it, and its size."""

    course: tuple[tuple[float, float, float], ...]
    width: float
    thickness: float = 0.009


def _sweep_of(root: float, middle: float, tip: float, low: float, width: float, lift: float = 0.0) -> Lock:
    """Fringe lock: degrees at its root, half way and at its tip, and how low that hangs."""
    return Lock(
        (
            (root, 1.3955, 0.001),
            ((root + middle) / 2, 1.379, 0.0125 + lift),
            (middle, 1.335, 0.018 + lift),
            ((middle + 2 * tip) / 3, 1.298, 0.018 + lift),
            (tip, low, 0.010 + lift),
        ),
        width,
    )


FRINGE: Final = (
    _sweep_of(2, -46, -62, 1.228, 0.0270),
    _sweep_of(6, -31, -47, 1.256, 0.0260, 0.005),
    _sweep_of(10, -19, -33, 1.270, 0.0150, 0.001),
    _sweep_of(12, -9, -22, 1.254, 0.0290, 0.008),
    _sweep_of(15, 3, -4, 1.264, 0.0190, 0.003),
    _sweep_of(18, 20, 25, 1.264, 0.0235, 0.002),
    _sweep_of(22, 35, 43, 1.254, 0.0280, 0.007),
    _sweep_of(28, 50, 62, 1.228, 0.0265, 0.001),
)


def _hanging(middle: float, tip: float, low: float, width: float, lift: float = 0.0) -> Lock:
    """Back lock: degrees half way and at its tip, and how low that hangs."""
    return Lock(
        (
            (middle, 1.3955, 0.002),
            (middle, 1.378, 0.010 + lift),
            (middle, 1.345, 0.015 + lift),
            (middle, 1.255, 0.017 + lift),
            (middle, 1.172, 0.014 + lift),
            (tip, low, 0.027 + lift),
        ),
        width,
        0.012,
    )


_BACK: Final = (
    _hanging(171, 176, 1.104, 0.0370, 0.001),
    _hanging(152, 150, 1.118, 0.0360, 0.004),
    _hanging(141, 140, 1.140, 0.0190),
    _hanging(127, 124, 1.120, 0.0350, 0.002),
    _hanging(106, 103, 1.142, 0.0290, -0.002),
)
_FORELOCK: Final = Lock(
    ((40, 1.388, -0.006), (62, 1.345, 0.012), (70, 1.262, 0.015), (69, 1.180, 0.014), (58, 1.092, 0.000)),
    0.0195,
    0.009,
)


def _place(degrees: float, y: float, lift: float) -> Points:
    place = skull.over(degrees, max(y, _HANG), lift)
    place[1] = place[1] if y >= _HANG else y
    return place


def _blade(line: Points, width: Points, thickness: Points, away: npt.ArrayLike, inside: bool) -> Surface:
    """Blade mesh of a lock: its outside, or what of it looks toward the head."""
    whole = sweep(line, width, thickness, away, sides=_SIDES, section=blade, caps=False)
    column = np.arange(len(whole.positions)) % (_SIDES + 1)
    return kept(whole, column >= _SIDES // 2 if inside else column <= _SIDES // 2)


def _lock(lock: Lock, inside: bool, rows: int = 14) -> Surface:
    line = through([_place(*stop) for stop in lock.course], rows)
    angles = np.interp(
        np.linspace(0, 1, rows), np.linspace(0, 1, len(lock.course)), [stop[0] for stop in lock.course]
    )
    away = skull.outward(np.radians(angles), np.maximum(line[:, 1], _HANG))
    size = _taper(np.linspace(0, 1, rows))
    return _blade(line, lock.width * size, lock.thickness * size**0.7, away, inside).on("head")


def _cap(inside: bool) -> Surface:
    """Scalp cap under all locks, from the hairline to the nape."""
    degrees = np.linspace(-180, 180, 61)
    edge = curve([(0, 1.345), (45, 1.325), (70, 1.262), (88, 1.205), (110, 1.150), (180, 1.128)])(
        np.abs(degrees)
    )
    share = np.linspace(0, 1, 20)[:, None] ** 0.8
    y = skull.CROWN - share * (skull.CROWN - edge)
    a = np.radians(np.broadcast_to(degrees, y.shape))
    lift = 0.013 * smooth_step(share, 1.0, 0.82) + 0.001 + 0.003 * smooth_step(share, 0.3, 0.0)
    rings = skull.around(a, np.maximum(y, _HANG)) + lift[..., None] * skull.outward(a, np.maximum(y, _HANG))
    rings[..., 1] = np.where(y >= _HANG, rings[..., 1], y)
    behind = smooth_step(np.abs(degrees), 100, 140)
    tuck = 1 - 0.30 * smooth_step(_HANG - y, 0.0, 0.14) * behind
    rings[..., 0] *= tuck
    rings[..., 2] = np.where(rings[..., 2] < 0, rings[..., 2] * tuck, rings[..., 2])
    uv = np.stack(np.broadcast_arrays(np.abs(degrees) / 24 % 1.0, 0.75 * share), axis=-1)
    if inside:  # seen from the other side, a little nearer to the head, and only where it hangs free
        rings, uv = rings[10:, ::-1] * (0.99, 1.0, 0.99), uv[10:, ::-1]
    return from_rings(rings, uv).on("head")


def _chain_skin(chain: Chain, positions: Points) -> Skin:
    """Skin weights along a chain: each joint moves its own stretch, blended; ``parent`` before it."""
    places = np.array(chain.places)
    lengths = np.r_[0, np.cumsum(np.linalg.norm(np.diff(places, axis=0), axis=1))]
    fine = np.linspace(0, lengths[-1], 200)
    line = np.stack([np.interp(fine, lengths, places[:, axis]) for axis in range(3)], axis=1)
    along = fine[np.linalg.norm(positions[:, None] - line[None], axis=2).argmin(axis=1)]
    passed = [np.ones(len(positions))]
    for number in range(1, len(places) - 1):
        reach = 0.4 * min(lengths[number] - lengths[number - 1], lengths[number + 1] - lengths[number])
        passed.append(smooth_step(along, lengths[number] - reach, lengths[number] + reach))
    passed.append(np.zeros(len(positions)))
    return {name: passed[k] - passed[k + 1] for k, name in enumerate(chain.joints[:-1])}


def _tail(chain: Chain, inside: bool) -> Surface:
    """Tail of hair: a full strand and three thinner ones around it."""
    line = through(chain.places, 22)
    share = np.linspace(0, 1, 22)
    outward = np.array([0.35, 0.0, 1.0]) * (1 if chain.places[0][0] > 0 else -1, 1, 1)
    full = sweep(line, 0.037 * _fluff(share), 0.032 * _fluff(share), outward, sides=14, section=ellipse)
    parts = [] if inside else [full]
    for turn, size, end in ((0.4, 0.020, 0.93), (2.4, 0.019, 0.86), (4.3, 0.021, 0.90)):
        away = np.array([np.cos(turn), 0.0, np.sin(turn)])
        bow = (
            0.030 * np.sin(np.pi * np.clip(share * 1.05, 0, 1)) * np.maximum(_fluff(share), 0) ** 0.3
            + 0.012 * share**3
        )
        course = through((line + away * bow[:, None])[: int(22 * end)], 18)
        thin = _taper(np.linspace(0, 1, 18))
        parts.append(_blade(course, size * thin, 0.012 * thin, away, inside))
    surface = join(parts)
    return surface.with_skin(_chain_skin(chain, surface.positions))


def _hung(chain: Chain, surface: Surface, start: float) -> Surface:
    """Skinned lock: a chain moves it from a height downward, the head above that."""
    share = smooth_step(surface.positions[:, 1], start + 0.02, start - 0.03)
    skin = {name: weight * share for name, weight in _chain_skin(chain, surface.positions).items()}
    return surface.with_skin(skin | {"head": 1 - share})


def _all(inside: bool) -> Surface:
    chains = {chain.name: chain for chain in CHAINS}
    forelock = _hung(chains["leftForelock"], _lock(_FORELOCK, inside, 18), 1.245)
    left = [*(_lock(lock, inside) for lock in _BACK), forelock, _tail(chains["leftTail"], inside)]
    top = chains["topLock"]
    thin = _taper(np.linspace(0, 1, 14))
    stray = sweep(through(top.places, 14), 0.0085 * thin, 0.006 * thin, (0.0, 0.0, 1.0), sides=10)
    strays = [] if inside else [stray.with_skin(_chain_skin(top, stray.positions))]
    fringe = [_lock(lock, inside) for lock in FRINGE]
    return join([_cap(inside), *fringe, *left, *(part.mirrored() for part in left), *strays])


def hair() -> Surface:
    """Hair mesh, outside, with u around each lock and v from root to tip."""
    return _all(inside=False)


def hair_inside() -> Surface:
    """Hair mesh, inside: what looks toward the head, and lies in shade."""
    return _all(inside=True)
