"""Configuration of the points generator."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class GeneratorConfig:
    """Sizes of the points generator.

    Attributes:
        points: number of the data set's surface points to use.
        features: learned channels of a point.
        bare_features: the same for points without patches, whose details are in these channels alone.
        width: channels of the decoder's first level.
        softness: depth over which an occluded point fades, in heights of the character.
        bare_softness: the same for points without patches, whose positions are known only roughly.
        inner: fraction of a patch that the patch layer uses, from its centre to its edge.
    """

    points: int = 20000
    features: int = 2
    bare_features: int = 8
    width: int = 16
    softness: float = 0.007
    bare_softness: float = 0.025
    inner: float = 0.75
