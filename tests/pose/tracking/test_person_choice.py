"""Whom ``--person`` means."""

import pytest
from fakes import standing

from dance_now.core.errors import DanceNowError
from dance_now.pose.model.detection import Detection, Person
from dance_now.pose.tracking.limb_hull import hull_mask
from dance_now.pose.tracking.person_choice import PersonChoice


def person(identity: int, x: float, height: float = 100.0) -> Person:
    pose = standing((x, 100.0), height)
    return Person(identity, Detection(pose, hull_mask(pose)))


THREE = (person(1, 300, 120), person(2, 100), person(3, 200, 180))


def chosen(choose: PersonChoice, people: tuple[Person, ...]) -> list[int]:
    return [each.identity for each in choose(people)]


@pytest.mark.parametrize(
    ("which", "numbers"),
    [("largest", [3]), ("left", [2]), ("all", [1, 2, 3]), ("1", [1]), ("9", [])],
)
def test_who_is_meant(which, numbers):
    assert chosen(PersonChoice(which), THREE) == numbers
    assert chosen(PersonChoice(which), ()) == []


def test_one_person_needs_no_others_followed():
    assert PersonChoice().max_people == 1
    assert PersonChoice("left").max_people > 1


@pytest.mark.parametrize("which", ["largest", "left"])
def test_the_chosen_one_is_kept(which):
    choose = PersonChoice(which)
    first = chosen(choose, THREE)
    larger_and_further_left = person(4, 20, 300)
    assert chosen(choose, (*THREE, larger_and_further_left)) == first
    choose.reset()
    assert chosen(choose, (*THREE, larger_and_further_left)) == [4]


def test_somebody_hidden_is_waited_for_and_then_replaced():
    choose = PersonChoice()
    chosen(choose, THREE)
    for _ in range(10):
        assert chosen(choose, THREE[:2]) == []
    assert chosen(choose, THREE) == [3]
    found = [chosen(choose, THREE[:2]) for _ in range(40)]
    assert found[0] == []
    assert found[-1] == [1]


def test_somebody_new_is_taken_at_once():
    choose = PersonChoice()
    chosen(choose, THREE)
    assert chosen(choose, (person(5, 50),)) == [5]


@pytest.mark.parametrize("which", ["", "right", "-1", "1.5", "9" * 20])
def test_what_is_no_choice(which):
    with pytest.raises(DanceNowError, match="largest, all, left"):
        PersonChoice(which)


def test_who_is_there_instead_is_told():
    choose = PersonChoice("9")
    assert choose.missing("a.mp4") is None
    for people in (THREE[:2], THREE[:1]):
        choose(people)
        choose.reset()
    assert choose.missing("a.mp4") == (
        "Person 9 is not in a.mp4, which shows 2 people: 1 (in 2 frames), 2 (in 1 frame)."
    )
