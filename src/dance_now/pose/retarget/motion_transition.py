"""Motion transition: cross-fades from what was shown last to another motion, so that nothing jumps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dance_now.pose.retarget.motion_state import MotionState


class MotionTransition:
    """Cross-fade between motions.

    Example:
        >>> fade = MotionTransition()
        >>> fade.start(shown, time=3.0, seconds=0.5)  # doctest: +SKIP
        >>> fade(target)  # doctest: +SKIP
    """

    def __init__(self) -> None:
        self._origin: MotionState | None = None
        self._start, self._seconds = 0.0, 1.0

    def reset(self) -> None:
        """Ends a transition at once."""
        self._origin = None

    def start(self, shown: MotionState, time: float, seconds: float) -> None:
        """Begins at what was shown last.

        Args:
            shown: the state.
            time: of the first frame of the other motion, seconds.
            seconds: how long it takes.
        """
        self._origin, self._start, self._seconds = shown, time, seconds

    def __call__(self, target: MotionState) -> MotionState:
        """What to show instead of the target state; the target itself once the transition is over."""
        if self._origin is None:
            return target
        share = (target.time - self._start) / self._seconds
        if share >= 1:
            self._origin = None
            return target
        share = max(share, 0.0)
        return blend_states(self._origin, target, share * share * (3 - 2 * share))


def blend_states(first: MotionState, second: MotionState, share: float) -> MotionState:
    """Interpolates linearly; times, masks and what was not measured are the second's.

    Args:
        first: at share 0.
        second: at share 1.
        share: in [0, 1].
    """

    def between(name: str) -> object:
        start, end = getattr(first, name), getattr(second, name)
        return start + share * (end - start)

    blended = {name: between(name) for name in _BLENDED}
    if first.height > 0 and second.height > 0:  # sizes by their ratio
        blended["height"] = float(first.height ** (1 - share) * second.height**share)
    # A point that one of them does not know is where the other has it.
    for trust, other, points in (
        (first.point_trust, second, second.points),
        (second.point_trust, first, first.points),
    ):
        unknown = (trust <= 0) & (other.point_trust > 0)
        blended["points"] = np.where(unknown[:, None], points, blended["points"])
    return replace(second, **blended)  # type: ignore[arg-type]


_BLENDED = (
    *("limbs", "ends", "fingers", "expression", "points", "point_trust", "foot_contact"),
    *("visible_fraction", "slope"),
)
