"""Registry of pose estimators by name: those that ship, and those of installed plug-ins."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Final

from dance_now.core.errors import DanceNowError
from dance_now.pose.model.detection import EstimatorOptions, PoseEstimator

ESTIMATORS: Final = ("mediapipe", "rtmw")
"""Estimators that ship; each is a module beside this one with a function ``build``."""

ENTRY_POINTS: Final = "dance_now.estimators"
"""Entry point group of plug-ins: a name, and a function like those modules' ``build``."""


def plugin_estimators() -> dict[str, EntryPoint]:
    """Estimators of installed packages, by name; nothing of them is imported yet.

    A plug-in cannot replace an estimator that ships.
    """
    found = {entry.name: entry for entry in entry_points(group=ENTRY_POINTS)}
    return {name: found[name] for name in sorted(found) if name not in ESTIMATORS}


def estimator_names() -> tuple[str, ...]:
    """All names that users can give: the estimators that ship, then those of plug-ins."""
    return (*ESTIMATORS, *plugin_estimators())


def open_estimator(
    threads: int = 2,
    *,
    hands: bool = True,
    face: bool = True,
    max_people: int = 1,
    name: str = "mediapipe",
    model: Path | None = None,
    heavy: bool = False,
    turn: int = 1,
) -> PoseEstimator:
    """Creates a pose estimator, by default MediaPipe's networks, which the base install uses.

    Args:
        threads: CPU threads for the networks.
        hands: read fingers, where hands are large enough to be seen.
        face: read the face, where it is large enough to be seen.
        max_people: how many people to track: with 1 the most prominent one.
        name: one of ``estimator_names()``.
        model: the network's file, for estimators that do not come with one.
        heavy: take a larger network, where one is at hand: slower, more exact.
        turn: frames in which each hand of a person is read once, for speed: 1, 2 or 4.

    Raises:
        DanceNowError: there is no such estimator, its networks cannot be fetched, or a plug-in is broken.

    Example:
        >>> estimate = open_estimator()  # doctest: +SKIP
        >>> [person.identity for person in estimate(image)]  # doctest: +SKIP
        [1]
    """
    options = EstimatorOptions(
        threads=threads,
        hands=hands,
        face=face,
        max_people=max_people,
        model=model,
        heavy=heavy,
        turn=turn,
    )
    if name in ESTIMATORS:
        # only when a pose is to be estimated: this loads the runtimes
        module = import_module(f"dance_now.pose.estimators.{name}")
        found: PoseEstimator = module.build(options)
        return found
    plugins = plugin_estimators()
    if name not in plugins:
        raise DanceNowError(f"There is no estimator {name!r}; known: {', '.join((*ESTIMATORS, *plugins))}.")
    return _plugin(plugins[name], options)


def _plugin(entry: EntryPoint, options: EstimatorOptions) -> PoseEstimator:
    """Builds the estimator of a plug-in; whatever is wrong with it is told in one line."""
    package = entry.dist.name if entry.dist is not None else entry.value
    blame = f"Estimator {entry.name!r} of the package {package}"
    try:
        made = entry.load()(options)
    except DanceNowError:
        raise
    except Exception as error:  # code of somebody else: anything may happen
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DanceNowError(f"{blame} does not start: {reason}") from error
    if not callable(made) or not callable(getattr(made, "reset", None)):
        raise DanceNowError(f"{blame} is none: it returns {type(made).__name__}, without __call__ and reset.")
    estimator: PoseEstimator = made
    return estimator
