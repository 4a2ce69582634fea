"""Joint names of the rigs that people bring."""

IK = [
    "Hips",
    "Spine",
    "Head",
    "LeftArm",
    "LeftForeArm",
    "LeftHand",
    "LeftUpLeg",
    "LeftLeg",
    "LeftFoot",
    "RightArm",
    "RightForeArm",
    "RightHand",
    "RightUpLeg",
    "RightLeg",
    "RightFoot",
]


def sided(centre: str, limbs: str, marks: tuple[str, str] = ("L", "R")) -> list[str]:
    """Names of a rig: centre, then upper arm, forearm, hand, thigh, shin and foot; "@" is the side."""
    words = [name.strip() for name in limbs.split(",")]
    return [
        *(name.strip() for name in centre.split(",")),
        *(name.replace("@", mark) for mark in marks for name in words),
    ]


BLENDER = "upper_arm.@, forearm.@, hand.@, thigh.@, shin.@, foot.@"
UNREAL = "upperarm_@, lowerarm_@, hand_@, thigh_@, calf_@, foot_@"
VROID = "J_Bip_@_UpperArm, J_Bip_@_LowerArm, J_Bip_@_Hand, J_Bip_@_UpperLeg, J_Bip_@_LowerLeg, J_Bip_@_Foot"
VROID_CENTRE = "J_Bip_C_Hips, J_Bip_C_Spine, J_Bip_C_Head"
CC = "CC_Base_@_Upperarm, CC_Base_@_Forearm, CC_Base_@_Hand, CC_Base_@_Thigh, CC_Base_@_Calf, CC_Base_@_Foot"
RIGS = {
    "Mixamo of Sketchfab": [f"mixamorig:{name}_{place:02d}" for place, name in enumerate(IK, 1)],
    "VRoid of Sketchfab": [f"{name}_{place:03d}" for place, name in enumerate(sided(VROID_CENTRE, VROID))],
    "copies in Blender": [f"{name}.001" for name in IK],
    "CATS": sided(
        "Hips, Spine, Head",
        "@ arm, @ elbow, @ wrist, @ leg, @ knee, @ ankle",
        ("Left", "Right"),
    ),
    "VRoid with a second side": [
        name + (f".{name[6]}" if name[6] in "LR" else "") for name in sided(VROID_CENTRE, VROID)
    ],
    "Character Creator": sided("CC_Base_Hip, CC_Base_Waist, CC_Base_Head", CC),
    "AccuRIG": sided("RL_BoneRoot, CC_Base_Hip, CC_Base_Pelvis, CC_Base_Waist, CC_Base_Head", CC),
    "MMD": sided(
        "センター, 下半身, 上半身, 上半身2, 首, 頭", "@腕, @ひじ, @手首, @足, @ひざ, @足首", ("左", "右")
    ),
    "mmd_tools": sided("センター, 下半身, 上半身, 首, 頭", "腕.@, ひじ.@, 手首.@, 足.@, ひざ.@, 足首.@"),
    "Auto-Rig Pro": sided(
        "root.x, spine_01.x, spine_02.x, neck.x, head.x",
        "arm_stretch.@, forearm_stretch.@, hand.@, thigh_stretch.@, leg_stretch.@, foot.@",
        ("l", "r"),
    ),
    "Rigify": sided(
        "DEF-spine, DEF-spine.001, DEF-spine.002, DEF-spine.006",
        BLENDER.replace("upper", "DEF-upper").replace(", ", ", DEF-"),
    ),
    "Biped": sided(
        "Bip001, Bip001 Pelvis, Bip001 Spine, Bip001 Neck, Bip001 Head",
        "Bip001 @ UpperArm, Bip001 @ Forearm, Bip001 @ Hand, Bip001 @ Thigh, Bip001 @ Calf, Bip001 @ Foot",
    ),
    "Unreal": sided("pelvis, spine_01, spine_02, neck_01, head", UNREAL, ("l", "r")),
    "Quaternius universal": sided("root, pelvis, spine_01, spine_02, neck_01, Head", UNREAL, ("l", "r")),
    "Quaternius": sided(
        "Hips, Abdomen, Torso, Neck, Head",
        "UpperArm.@, LowerArm.@, Fist.@, UpperLeg.@, LowerLeg.@, Foot.@",
    ),
    "HumanIK": [f"Character1_{name}" for name in IK],
    "Maya": sided("hips, abdomen, head", BLENDER.replace(".", "FBXASC046")),
    "Daz Genesis 8": sided(
        "hip, pelvis, abdomenLower, chestLower, neckLower, head",
        "@ShldrBend, @ForearmBend, @Hand, @ThighBend, @Shin, @Foot",
        ("l", "r"),
    ),
    "MakeHuman": sided(
        "root, spine05, spine04, spine01, neck01, head",
        "upperarm01.@, lowerarm01.@, wrist.@, upperleg01.@, lowerleg01.@, foot.@",
    ),
    "numbered Mixamo": [f"mixamorig12:{name}" for name in IK],
    "Mixamo without a colon": [f"mixamorig{name}" for name in IK],
    "Valve": sided(
        "ValveBiped.Bip01_Pelvis, ValveBiped.Bip01_Spine, ValveBiped.Bip01_Head1",
        ", ".join(
            f"ValveBiped.Bip01_@_{part}" for part in ["UpperArm", "Forearm", "Hand", "Thigh", "Calf", "Foot"]
        ),
    ),
    "own prefix": [f"Rig_{name}" for name in IK],
}
