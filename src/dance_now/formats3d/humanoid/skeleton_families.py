"""Bone names of common rigs: one table of families, from Mixamo, VRoid and MMD to motion capture.

Sources: the rigs that the named programs export (Mixamo, VRoid Studio, Ready Player Me, 3ds Max Biped,
Character Creator, Auto-Rig Pro, Rigify, Unreal's mannequin, Daz Genesis, MakeHuman, CATS for VRChat, MMD and
mmd_tools, SMPL, Second Life, Valve), and the CMU motion collection.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from dance_now.formats3d.humanoid.bone_names import CENTRE_BONES, FINGERS, LIMB_BONES, SEGMENTS, SIDES

_NAME_SPACE: Final = re.compile(r"^.*[:|]")
_LETTERS: Final = ("l", "r")
_WORDS: Final = ("left", "right")
_JAPANESE: Final = ("左", "右")


def plain_name(name: str) -> str:
    """Normalises a name: lower case letters and digits, full-width ones narrow, FBX escapes undone."""
    name = re.sub(r"FBXASC(\d{3})", lambda code: chr(int(code[1])), name)
    return re.sub(r"[\W_]", "", unicodedata.normalize("NFKC", name).lower())


def bare_name(name: str) -> str:
    """The normalised name without name space."""
    return plain_name(_NAME_SPACE.sub("", name))


@dataclass(frozen=True)
class SkeletonFamily:
    """Bone names of one kind of rig.

    In names, ``@`` stands for the family's word for a side and ``~`` for l or r; separators do not count.
    Alternatives are separated by ``|``, names that differ by more than the side by ``/`` (left, right); ``-``
    is a bone that the rig lacks.

    Attributes:
        title: for reports.
        centre: names of CENTRE_BONES.
        limbs: names of LIMB_BONES.
        fingers: name of a finger's bone: ``{}`` is the finger's word and ``#`` the segment's.
        prefix: regular expression that every name begins with, after name spaces.
        sides: words for left and right.
        finger_words: in the order of FINGERS.
        segment_words: first to last phalanx.
        eyes: name of an eye's bone.
    """

    title: str
    centre: str
    limbs: str
    fingers: str = "-"
    prefix: str = ""
    sides: tuple[str, str] = _LETTERS
    finger_words: str = "Thumb Index Middle Ring Pinky"
    segment_words: str = "1 2 3"
    eyes: str = "@Eye|Eye@"

    @cached_property
    def table(self) -> dict[str, tuple[str, int]]:
        """Normalised name without the prefix -> bone and rank among its alternatives."""
        found: dict[str, tuple[str, int]] = {}
        for bone, names in self._names():
            for rank, name in enumerate(names.split("|")):
                if name != "-":
                    found.setdefault(plain_name(name), (bone, rank))
        return found

    def _names(self) -> Iterator[tuple[str, str]]:
        yield from zip(CENTRE_BONES, self.centre.split(), strict=True)
        for side, mark, letter in zip(SIDES, self.sides, _LETTERS, strict=True):

            def sided(name: str, mark: str = mark, letter: str = letter) -> str:
                own = name.split("/")[SIDES.index("left" if letter == "l" else "right") if "/" in name else 0]
                return own.replace("@", mark).replace("~", letter)

            for bone, name in zip(LIMB_BONES, self.limbs.split(), strict=True):
                yield side + bone, sided(name)
            yield side + "Eye", sided(self.eyes)
            if self.fingers == "-":
                continue
            for finger, word in zip(FINGERS, self.finger_words.split(), strict=True):
                for segment, number in zip(SEGMENTS, self.segment_words.split(), strict=True):
                    name = self.fingers.replace("{}", word).replace("#", number.strip("."))
                    yield side + finger + segment, sided(name)

    @cached_property
    def _start(self) -> re.Pattern[str]:
        return re.compile(rf"(?i)(?:.*[:|])?{self.prefix}")

    def strip(self, name: str) -> str | None:
        """The normalised name without name space and prefix; None where the prefix is missing."""
        start = self._start.match(name)
        return None if start is None else plain_name(name[start.end() :])


_HUMAN_IK: Final = SkeletonFamily(
    "Ready Player Me, HumanIK",
    "Hips Spine Spine1 Spine2|Spine3 Neck Head",
    "@Shoulder @Arm @ForeArm @Hand @UpLeg @Leg @Foot @ToeBase",
    "@Hand{}#",
    sides=_WORDS,
)
_RIGIFY: Final = SkeletonFamily(
    "Rigify metarig",
    "spine spine.001 spine.002 spine.003 spine.004|spine.005 spine.006",
    "shoulder.@ upper_arm.@ forearm.@ hand.@ thigh.@ shin.@ foot.@ toe.@",
    "f_{}.0#.@|{}.0#.@",
)
_MMD_CENTRE: Final = "腰|下半身|グルーブ|センター 上半身 上半身2 上半身3 首 頭"

FAMILIES: Final = (
    replace(_HUMAN_IK, title="Mixamo", prefix=r"mixamorig\d*[:_]?"),
    replace(_HUMAN_IK, title="HumanIK (Character1_)", prefix=r"character\d+_"),
    _HUMAN_IK,
    SkeletonFamily(
        "VRoid",
        "C_Hips C_Spine C_Chest C_UpperChest C_Neck C_Head",
        "@_Shoulder @_UpperArm @_LowerArm @_Hand @_UpperLeg @_LowerLeg @_Foot @_ToeBase",
        "@_{}#",
        prefix="j_bip_",
        finger_words="Thumb Index Middle Ring Little",
    ),
    SkeletonFamily(
        "VRM bone names",
        "hips spine chest upperChest neck head",
        "@Shoulder @UpperArm @LowerArm @Hand @UpperLeg @LowerLeg @Foot @Toes",
        "@{}#",
        sides=_WORDS,
        finger_words="Thumb Index Middle Ring Little",
        segment_words="Proximal Intermediate Distal",
    ),
    SkeletonFamily(
        "3ds Max Biped",
        "Pelvis Spine Spine1 Spine2 Neck|Neck1 Head|Head1",
        "@Clavicle @UpperArm @Forearm @Hand @Thigh @Calf @Foot @Toe0",
        "@{}#",
        prefix=r"(?:valvebiped\.)?bip\d*[ _]+",
        finger_words="Finger0 Finger1 Finger2 Finger3 Finger4",
        segment_words=". 1 2",
    ),
    SkeletonFamily(
        "Character Creator",
        "Hip Waist Spine01 Spine02 NeckTwist01 Head",
        "@_Clavicle @_Upperarm @_Forearm @_Hand @_Thigh @_Calf @_Foot @_ToeBase",
        "@_{}#",
        prefix="cc_base_",
        finger_words="Thumb Index Mid Ring Pinky",
    ),
    SkeletonFamily(
        "CATS, VRChat",
        "Hips Spine Chest UpperChest Neck Head",
        "@shoulder @arm @elbow @wrist @leg @knee @ankle @toe",
        "{}#_~|{}Finger#_~",
        sides=_WORDS,
        finger_words="Thumb Index Middle Ring Little",
        eyes="Eye_~|@Eye",
    ),
    SkeletonFamily(
        "MMD",
        _MMD_CENTRE,
        "@肩 @腕 @ひじ @手首 @足D|@足 @ひざD|@ひざ @足首D|@足首 @足先EX|@つま先|@つま先IK",
        "@{}#",
        sides=_JAPANESE,
        finger_words="親指 人指 中指 薬指 小指",
        eyes="@目",
    ),
    SkeletonFamily(
        "MMD (mmd_tools)",
        _MMD_CENTRE,
        "肩.@ 腕.@ ひじ.@ 手首.@ 足D.@|足.@ ひざD.@|ひざ.@ 足首D.@|足首.@ 足先EX.@|つま先.@",
        "{}#.@",
        finger_words="親指 人指 中指 薬指 小指",
        eyes="目.@",
    ),
    SkeletonFamily(
        "Auto-Rig Pro",
        "root.x spine_01.x spine_02.x spine_03.x neck.x head.x",
        "shoulder.@ arm_stretch.@|arm.@ forearm_stretch.@|forearm.@ hand.@ thigh_stretch.@|thigh.@"
        " leg_stretch.@|leg.@ foot.@ toes_01.@",
        "{}#.@|c_{}#.@",
    ),
    replace(_RIGIFY, title="Rigify", prefix=r"def[-_]"),
    _RIGIFY,
    SkeletonFamily(
        "Unreal mannequin",
        "pelvis spine_01 spine_02 spine_03 neck_01 head",
        "clavicle_@ upperarm_@ lowerarm_@ hand_@ thigh_@ calf_@ foot_@ ball_@",
        "{}_0#_@",
    ),
    SkeletonFamily(
        "Daz Genesis",
        "hip abdomenLower|abdomen chestLower|chest chestUpper neckLower|neck head",
        "@Collar @ShldrBend|@Shldr @ForearmBend|@ForeArm @Hand @ThighBend|@Thigh @Shin @Foot @Toe",
        "@{}#",
        finger_words="Thumb Index Mid Ring Pinky",
    ),
    SkeletonFamily(
        "Daz Genesis 9",
        "hip spine1 spine3 spine4 neck1 head",
        "@_shoulder @_upperarm @_forearm @_hand @_thigh @_shin @_foot @_toes",
        "@_{}#",
        finger_words="thumb index mid ring pinky",
    ),
    SkeletonFamily(
        "MakeHuman",
        "root spine05|spine04 spine03|spine02|spine01 - neck01 head",
        "clavicle.@ upperarm01.@ lowerarm01.@ wrist.@ upperleg01.@ lowerleg01.@ foot.@ toe1-1.@",
        "{}-#.@",
        finger_words="finger1 finger2 finger3 finger4 finger5",
    ),
    SkeletonFamily(
        "Quaternius",
        "Hips|Body Abdomen Torso - Neck Head",
        "Shoulder.@ UpperArm.@ LowerArm.@ Fist.@|Palm.@|Wrist.@|Hand.@ UpperLeg.@ LowerLeg.@ Foot.@ Toes.@",
    ),
    SkeletonFamily(
        "SMPL",
        "Pelvis Spine1 Spine2 Spine3 Neck Head",
        "@_Collar @_Shoulder @_Elbow @_Wrist @_Hip @_Knee @_Ankle @_Foot",
    ),
    SkeletonFamily(
        "SMPL (words)",
        "Pelvis Spine1 Spine2 Spine3 Neck Head",
        "@_Collar @_Shoulder @_Elbow @_Wrist @_Hip @_Knee @_Ankle @_Foot",
        sides=_WORDS,
    ),
    SkeletonFamily(
        "Second Life",
        "mPelvis mTorso mChest - mNeck mHead",
        "mCollar@ mShoulder@ mElbow@ mWrist@ mHip@ mKnee@ mAnkle@ mFoot@",
        "mHand{}#@",
        sides=_WORDS,
    ),
    SkeletonFamily(
        "Biovision",
        "Hips Chest|Spine Chest2 Chest3 Neck Head",
        "@Collar @Shoulder @Elbow @Wrist @Hip @Knee @Ankle @Toe",
        sides=_WORDS,
    ),
    SkeletonFamily(
        "Acclaim",
        "root lowerback upperback thorax lowerneck head",
        "@clavicle @humerus @radius @wrist|@hand @femur @tibia @foot @toes",
    ),
    SkeletonFamily(
        "CMU, numbered",
        "cmu00 cmu12 cmu13 - cmu16 cmu18",
        "- cmu21/cmu30 cmu22/cmu31 cmu23/cmu32 cmu02/cmu08 cmu03/cmu09 cmu04/cmu10 cmu05/cmu11",
        eyes="-",
    ),
)
"""Families in order of preference where two explain a rig equally well."""
