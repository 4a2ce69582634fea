"""Motion transition: cross-fades from what was shown last to another motion, so that nothing jumps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from dance_now.pose.retarget.motion_state import MotionState

Array = npt.NDArray[np.float64]


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

    def between(start: Array, end: Array) -> Array:
        return start + share * (end - start)

    height = second.height
    if first.height > 0 and second.height > 0:  # sizes by their ratio
        height = float(first.height ** (1 - share) * second.height**share)
    # A point that one of them does not know is where the other has it.
    known = (first.point_trust > 0)[:, None], (second.point_trust > 0)[:, None]
    start = np.where(known[0] | ~known[1], first.points, second.points)
    end = np.where(known[1] | ~known[0], second.points, first.points)
    return replace(
        second,
        limbs=between(first.limbs, second.limbs),
        ends=between(first.ends, second.ends),
        fingers=between(first.fingers, second.fingers),
        expression=between(first.expression, second.expression),
        points=between(start, end),
        point_trust=between(first.point_trust, second.point_trust),
        foot_contact=between(first.foot_contact, second.foot_contact),
        height=height,
        visible_fraction=first.visible_fraction + share * (second.visible_fraction - first.visible_fraction),
        slope=first.slope + share * (second.slope - first.slope),
        contacts=None if second.contacts is None else second.contacts.faded(share),
    )
