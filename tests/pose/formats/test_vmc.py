"""VMC out: what a receiver hears, in its own axes."""

import socket

import numpy as np
import pytest
from skeletons import adult_skeleton
from vmc_receiver import read_bundle

from dance_now.core.errors import DanceNowError
from dance_now.pose.formats.vmc_bundle import VmcEncoder, osc_message
from dance_now.pose.formats.vmc_sender import VmcSender, parse_vmc_address
from dance_now.pose.model.pose import Pose
from dance_now.pose.retarget.face_expression import Expression
from dance_now.pose.retarget.kinematics import CharacterBody
from dance_now.pose.retarget.retargeter import Retargeted

SCALE = 200.0
ADULT = adult_skeleton()


def turned(quaternion, vector):
    """A vector turned as Unity turns it: q v q*, the same sums in a left-handed frame."""
    x, y, z, w = quaternion
    axis = np.array([x, y, z])
    return vector + 2 * np.cross(axis, np.cross(axis, vector) + w * vector)


def receiver_positions(messages):
    """World positions of all bones, as a receiver's own forward kinematics places them."""
    from dance_now.pose.formats.humanoid_motion import BONE_PARENTS, bones_in_order

    heard = {each[1]: np.array(each[2:]) for each in messages if each[0] == "/VMC/Ext/Bone/Pos"}
    place, chain = {}, {}
    for bone in bones_in_order():
        values = heard[bone[0].upper() + bone[1:]]
        parent = BONE_PARENTS.get(bone)
        above = chain[parent] if parent else []
        point = values[:3]
        for turn in reversed(above):
            point = turned(turn, point)
        place[bone] = point + (place[parent] if parent else 0)
        chain[bone] = [*above, values[3:]]
    return place


def retargeted(expression=Expression(), **changes):  # noqa: B008
    """A pose of the adult's own body, seen from the front."""
    from dataclasses import replace

    body = CharacterBody(ADULT)
    posture = replace(body.rest_posture, **changes)
    points = body.points(posture) * SCALE
    pose = Pose(
        np.column_stack([300 + points[:, 0], 400 - points[:, 1], np.ones(137)]).astype(np.float32),
        (-points[:, 2]).astype(np.float32),
        np.ones(137, bool),
    )
    seen = np.zeros(137, bool)
    return Retargeted(pose, SCALE, posture, seen, 350.0, expression, np.array([0.0, 1.0, 0.0]))


def test_messages_are_those_of_the_specification():
    # The example of the OSC 1.0 specification: an address of twelve bytes and an integer.
    assert osc_message("/VMC/Ext/OK", 1) == b"/VMC/Ext/OK\0,i\0\0\0\0\0\x01"
    assert osc_message("/a", "bcd", 0.5) == b"/a\0\0,sf\0bcd\0?\0\0\0"
    messages = read_bundle(VmcEncoder(ADULT).bundle(retargeted(), 1.25))
    assert messages[0] == ["/VMC/Ext/OK", 1]
    assert messages[1] == ["/VMC/Ext/T", 1.25]
    assert messages[2] == ["/VMC/Ext/Root/Pos", "root", 0, 0, 0, 0, 0, 0, 1]
    assert messages[-1] == ["/VMC/Ext/Blend/Apply"]
    bones = [each for each in messages if each[0] == "/VMC/Ext/Bone/Pos"]
    assert {"Hips", "Spine", "Head", "LeftUpperArm", "RightThumbProximal", "LeftToes"} <= {
        b[1] for b in bones
    }
    assert all(len(bone) == 9 for bone in bones)
    for bone in bones:
        assert np.linalg.norm(bone[5:]) == pytest.approx(1, abs=1e-6)


def test_a_raised_left_arm_is_the_left_arm_of_the_receiver():
    limbs = CharacterBody(ADULT).rest_posture.limbs.copy()
    limbs[0] = [0.0, 1.0, 0.0]  # the left arm straight up
    place = receiver_positions(read_bundle(VmcEncoder(ADULT).bundle(retargeted(limbs=limbs), 0)))
    assert place["hips"][1] > 0.7  # metres above the ground
    assert place["head"][1] > place["hips"][1]
    assert place["leftHand"][1] > place["head"][1]
    assert place["leftHand"][0] < 0 < place["rightHand"][0]  # left is -x in Unity for who faces +z
    assert place["leftToes"][2] > place["leftFoot"][2]  # who faces +z has the toes there


def test_a_receiver_has_every_joint_where_it_is():
    rng = np.random.default_rng(3)
    limbs = CharacterBody(ADULT).rest_posture.limbs + rng.normal(0, 0.4, (4, 2, 3))
    limbs /= np.linalg.norm(limbs, axis=-1, keepdims=True)
    moved = retargeted(limbs=limbs)
    place = receiver_positions(read_bundle(VmcEncoder(ADULT).bundle(moved, 0)))
    points = np.column_stack([moved.pose.points[:, 0], -moved.pose.points[:, 1], -moved.pose.depth]) / SCALE
    for bone, row in {
        "leftHand": 7,
        "rightHand": 4,
        "leftFoot": 14,
        "rightFoot": 11,
        "leftLowerLeg": 13,
    }.items():
        wanted = (points[row] - points[8]) * [-1, 1, 1]
        assert place[bone] - place["hips"] == pytest.approx(wanted, abs=0.02)


def test_the_hips_move_with_the_person():
    encoder = VmcEncoder(ADULT)
    first = retargeted()
    later = Retargeted(first.pose.transformed(1.0, (SCALE, -0.1 * SCALE)), *list(vars(first).values())[1:])
    before, after = (
        receiver_positions(read_bundle(encoder.bundle(each, 0)))["hips"] for each in (first, later)
    )
    assert before[[0, 2]] == pytest.approx([0, 0], abs=1e-6)
    assert after - before == pytest.approx(
        [-1, 0.1, 0], abs=1e-5
    )  # to the picture's right: the person's left


def test_the_face_has_the_names_of_vrm():
    face = Expression(left_eye=1.0, mouth_open=0.8, gaze_left=-0.5)
    messages = read_bundle(VmcEncoder(ADULT).bundle(retargeted(face), 0))
    weights = {each[1]: each[2] for each in messages if each[0] == "/VMC/Ext/Blend/Val"}
    assert weights["Blink_L"] == 1
    assert weights["Blink_R"] == 0
    assert weights["A"] == pytest.approx(0.8)
    assert weights["LookRight"] == 0.5
    assert {"A", "I", "U", "E", "O", "Joy", "Angry"} <= weights.keys()
    assert all(0 <= weight <= 1 for weight in weights.values())


def test_a_frame_is_one_packet():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(5)
        with VmcSender(str(receiver.getsockname()[1])) as sender:
            for frame in range(3):
                sender.send(ADULT, retargeted(), frame / 30)
        heard = [read_bundle(receiver.recv(65536)) for _ in range(3)]
    assert [messages[1][1] for messages in heard] == pytest.approx([0, 1 / 30, 2 / 30])


def test_addresses():
    assert parse_vmc_address("39540") == ("127.0.0.1", 39540)
    assert parse_vmc_address(":39540") == ("127.0.0.1", 39540)
    assert parse_vmc_address("studio.local") == ("studio.local", 39539)
    assert parse_vmc_address("[::1]:39540") == ("::1", 39540)
    for wrong in ("", "host:", "host:0", "host:99999", "host:x"):
        with pytest.raises(DanceNowError, match=r"no address|HOST:PORT"):
            parse_vmc_address(wrong)


def test_an_unknown_host_is_one_line():
    with pytest.raises(DanceNowError, match=r"the VMC host no\.such\.host\.invalid cannot be reached"):
        VmcSender("no.such.host.invalid:39539")


def test_nobody_listening_is_told_once(caplog):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with VmcSender(f"127.0.0.1:{port}") as sender:
        for frame in range(5):
            sender.send(ADULT, retargeted(), frame / 30)
    assert len([each for each in caplog.records if "nobody receives VMC" in each.message]) <= 1
