import json
from typing import Any

import numpy as np
import pytest
from skeletons import ADULT, adult_skeleton, chibi_skeleton

from dance_now.pose.model.keypoints import POINT_COUNT
from dance_now.pose.model.skeleton import Skeleton


def parts(**changes: Any) -> dict[str, Any]:
    whole: dict[str, Any] = {
        "rest": np.zeros((POINT_COUNT, 3)),
        "known": np.ones(POINT_COUNT),
        "pivots": np.zeros((4, 3)),
        "bounds": np.array([[-1, 0, -1], [1, 2, 1]]),
    }
    return whole | changes


def test_height_is_that_of_the_whole_figure() -> None:
    assert adult_skeleton().height == pytest.approx(ADULT.crown)


def test_lengths_are_distances_at_rest() -> None:
    hips, shoulders = adult_skeleton().lengths()[:2]
    assert hips == pytest.approx(2 * ADULT.hip_half, abs=1e-5)
    assert shoulders == pytest.approx(2 * ADULT.shoulder_half, abs=1e-5)
    assert adult_skeleton().lengths([(8, 1)]) == pytest.approx([ADULT.neck - ADULT.hip], abs=1e-5)


def test_json_round_trip_keeps_a_hundredth_of_a_millimetre() -> None:
    skeleton = chibi_skeleton()
    copy = Skeleton.from_json(json.loads(json.dumps(skeleton.to_json())))
    np.testing.assert_allclose(copy.rest, skeleton.rest, atol=1e-5)
    np.testing.assert_allclose(copy.pivots, skeleton.pivots, atol=1e-5)
    np.testing.assert_allclose(copy.bounds, skeleton.bounds, atol=1e-5)
    np.testing.assert_array_equal(copy.known, skeleton.known)


def test_expressions_survive_json_and_may_be_absent() -> None:
    move = np.random.default_rng(0).normal(size=(70, 3)).astype(np.float32) * 0.01
    skeleton = Skeleton(**parts(expressions={"blinkLeft": move, "aa": -move}))
    copy = Skeleton.from_json(json.loads(json.dumps(skeleton.to_json())))
    assert list(copy.expressions) == ["blinkLeft", "aa"]
    np.testing.assert_allclose(copy.expressions["aa"], -move, atol=1e-5)
    data = chibi_skeleton().to_json()
    assert "expressions" not in data
    assert Skeleton.from_json(data).expressions == {}
    for broken in ([1], {"aa": "x"}, {"aa": [[1, 2, 3]]}):
        with pytest.raises(ValueError, match=r"[a-z]"):
            Skeleton.from_json(data | {"expressions": broken})


def test_a_skeleton_cannot_be_changed() -> None:
    given = np.zeros((POINT_COUNT, 3))
    skeleton = Skeleton(**parts(rest=given))
    given[0] = 5
    assert (skeleton.rest == 0).all()
    with pytest.raises(ValueError, match="read-only"):
        skeleton.rest[0] = 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rest": np.zeros((25, 3))}, "rest should be"),
        ({"rest": np.full((POINT_COUNT, 3), np.nan)}, "rest should be finite"),
        ({"known": np.ones(25)}, "known should be"),
        ({"pivots": np.zeros((3, 3))}, "pivots should be"),
        ({"bounds": np.full((2, 3), np.inf)}, "bounds should be finite"),
        ({"expressions": {"blink": np.zeros((68, 3))}}, "expression 'blink' should be"),
        ({"expressions": {"blink": np.full((70, 3), np.nan)}}, "expression 'blink' should be"),
        ({"expressions": {str(number): np.zeros((70, 3)) for number in range(65)}}, "more than 64"),
    ],
)
def test_malformed_parts_raise(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Skeleton(**parts(**change))


@pytest.mark.parametrize("lost", ["rest", "known", "pivots", "bounds"])
def test_json_without_a_part_raises(lost: str) -> None:
    data = chibi_skeleton().to_json()
    del data[lost]
    with pytest.raises(ValueError, match=lost):
        Skeleton.from_json(data)
