"""Spring bones for avatars that bring none: hair, skirts and tails, found by name or as they hang."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.formats3d.spring_rig import Collider, SpringJoint, SpringRig
from dance_now.render.avatar.avatar import Avatar

_WORDS: Final = re.compile(
    r"hair|bangs?|fringe|pony|twin_?tail|braid|ahoge|skirt|dress|cape|cloak|coat|scarf|ribbon|tail|veil|"
    r"sleeve|necktie|lock|髪|スカート|リボン|しっぽ|尻尾|袖|マント",
    re.IGNORECASE,
)
_HELPERS: Final = re.compile(r"twist|roll|ik$|ik_|捩|連", re.IGNORECASE)  # bones that only shape a limb
_CARRIERS: Final = ("hips", "spine", "chest", "upperChest", "neck", "head", "Shoulder", "Arm")
_FEWEST_HANGING: Final = 2  # bones of a chain that no name tells
_HANGING: Final = 0.6  # of a chain's length by which it goes down
_STIFFNESS, _DRAG, _GRAVITY = 0.9, 0.4, 0.15
_END: Final = 0.07  # metres: of the last bone of a chain, as in VRM 0
_LEG_RADIUS: Final = 0.05  # of the figure's height
_CLEARANCE: Final = 0.9  # of the distance at rest: nothing is pushed before it moves


def with_guessed_springs(avatar: Avatar) -> Avatar:
    """Gives an avatar gentle springs where it has none; unchanged where it has some, or nothing that swings.

    A chain is a node below the trunk, head or arms that is no humanoid bone and carries none, with all below
    it, of which something is skinned; and either a name tells that it swings, or it hangs down. Springs of
    the hips mind the thighs.

    Example:
        >>> from dance_now.render.avatar.avatar import load_avatar  # doctest: +SKIP
        >>> len(with_guessed_springs(load_avatar(Path("knight.glb"))).spring_rig.joints)  # doctest: +SKIP
        1
    """
    if avatar.spring_rig is not None and avatar.spring_rig.joints:
        return avatar
    children: dict[int, list[int]] = {}
    for node, parent in enumerate(avatar.parents.tolist()):
        children.setdefault(parent, []).append(node)
    chains = [chain for chain in _free_chains(avatar, children) if _swings(avatar, chain, children)]
    if not chains:
        return avatar
    low, high = avatar.bounds(())
    joints: list[SpringJoint] = []
    colliders: list[Collider] = []
    for chain in chains:
        minded: tuple[int, ...] = ()
        tails = {node: _tail(avatar, node, children) for node in chain}
        if avatar.humanoid_owner(chain[0]) in ("hips", "spine"):
            ends = np.array([_placed(avatar, node, tail) for node, tail in tails.items()])
            thighs = list(_thighs(avatar, ends, _LEG_RADIUS * float(high[1] - low[1])))
            minded = tuple(range(len(colliders), len(colliders) + len(thighs)))
            colliders += thighs
        down = np.array([0.0, -_GRAVITY, 0.0])
        joints += [
            SpringJoint(node, tail, _STIFFNESS, _DRAG, down, 0.0, minded) for node, tail in tails.items()
        ]
    return replace(avatar, spring_rig=SpringRig(tuple(joints), tuple(colliders)))


def _free_chains(avatar: Avatar, children: dict[int, list[int]]) -> Iterator[list[int]]:
    """Subtrees, parents first, that hold no humanoid bone and hang on one that may carry them."""
    humanoid = set(avatar.bones.values())
    skinned = set(avatar.palette_nodes.tolist())
    carries = set(humanoid)  # humanoid bones and all above them
    for node in humanoid:
        above = int(avatar.parents[node])
        while above >= 0 and above not in carries:
            carries.add(above)
            above = int(avatar.parents[above])
    for node, parent in enumerate(avatar.parents.tolist()):
        owner = avatar.humanoid_owner(node)
        if node in carries or parent not in carries or owner is None:
            continue
        chain = _below(node, children)
        if any(owner.endswith(carrier) for carrier in _CARRIERS) and skinned.intersection(chain):
            yield chain


def _below(node: int, children: dict[int, list[int]]) -> list[int]:
    found = [node]
    for each in found:
        found += children.get(each, [])
    return found


def _swings(avatar: Avatar, chain: list[int], children: dict[int, list[int]]) -> bool:
    names = [avatar.node_names[node] for node in chain]
    if _HELPERS.search(names[0]):
        return False
    if any(_WORDS.search(name) for name in names):
        return True
    places = avatar.rest_world[chain, :3, 3]
    length = float(np.linalg.norm(places[-1] - places[0]))
    hangs = length > 0 and float(places[0, 1] - places[-1, 1]) > _HANGING * length
    inner = sum(1 for node in chain if children.get(node))
    return hangs and inner >= _FEWEST_HANGING


def _tail(avatar: Avatar, node: int, children: dict[int, list[int]]) -> npt.NDArray[np.float64]:
    """(3,) end of a bone in its own space: the middle of what hangs on it, or a little further on."""
    inverse = np.linalg.inv(avatar.rest_world[node])
    below = children.get(node, [])
    if below:
        end = avatar.rest_world[below, :3, 3].mean(axis=0)
        if np.linalg.norm(end - avatar.rest_world[node, :3, 3]) > 1e-6:
            return np.asarray((inverse @ np.append(end, 1.0))[:3])
    away = avatar.rest_world[node, :3, 3] - avatar.rest_world[int(avatar.parents[node]), :3, 3]
    size = float(np.linalg.norm(away))
    direction = away / size if size > 1e-6 else np.array([0.0, -1.0, 0.0])
    end = avatar.rest_world[node, :3, 3] + _END * direction
    return np.asarray((inverse @ np.append(end, 1.0))[:3])


def _placed(avatar: Avatar, node: int, tail: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray((avatar.rest_world[node] @ np.append(tail, 1.0))[:3])


def _thighs(avatar: Avatar, ends: npt.NDArray[np.float64], radius: float) -> Iterator[Collider]:
    """Capsules along both thighs, as wide as they may be without touching springs at rest."""
    for side in ("left", "right"):
        upper, lower = f"{side}UpperLeg", f"{side}LowerLeg"
        if upper not in avatar.bones or lower not in avatar.bones:
            continue
        node = avatar.bones[upper]
        start, knee = avatar.rest_position(upper), avatar.rest_position(lower)
        along = knee - start
        share = np.clip((ends - start) @ along / max(float(along @ along), 1e-12), 0, 1)
        distance = float(np.linalg.norm(ends - start - share[:, None] * along, axis=1).min())
        local = np.asarray((np.linalg.inv(avatar.rest_world[node]) @ np.append(knee, 1.0))[:3])
        yield Collider(node, np.zeros(3), min(radius, _CLEARANCE * distance), local)
