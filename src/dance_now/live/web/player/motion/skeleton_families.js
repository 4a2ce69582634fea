/** Bone names of common rigs. Written by scripts/player_skeletons.py from formats3d/humanoid. */

/** @type {string[]} */
export const CENTRE_BONES = [
  "hips",
  "spine",
  "chest",
  "upperChest",
  "neck",
  "head"
];

/** without the side @type {string[]} */
export const LIMB_BONES = [
  "Shoulder",
  "UpperArm",
  "LowerArm",
  "Hand",
  "UpperLeg",
  "LowerLeg",
  "Foot",
  "Toes"
];

/** @type {string[]} */
export const REQUIRED_BONES = [
  "hips",
  "spine",
  "head",
  "leftUpperArm",
  "leftLowerArm",
  "leftHand",
  "leftUpperLeg",
  "leftLowerLeg",
  "leftFoot",
  "rightUpperArm",
  "rightLowerArm",
  "rightHand",
  "rightUpperLeg",
  "rightLowerLeg",
  "rightFoot"
];

/** names that many rigs share @type {Record<string, string>} */
export const CENTRE_ALIASES = {
  "hips": "hips hip pelvis jbipchips",
  "spine": "spine spine01 tummy abdomen jbipcspine",
  "chest": "chest spine1 spine02 jbipcchest",
  "upperChest": "upperchest spine2 spine03 jbipcupperchest",
  "neck": "neck neck01 neck1 jbipcneck",
  "head": "head jbipchead"
};

/** @type {Record<string, string>} */
export const SIDED_ALIASES = {
  "Shoulder": "shoulder clavicle collar",
  "UpperArm": "upperarm arm shldr",
  "LowerArm": "lowerarm forearm",
  "Hand": "hand",
  "UpperLeg": "upperleg upleg thigh",
  "LowerLeg": "lowerleg leg shin calf",
  "Foot": "foot",
  "Toes": "toes toebase toe ball"
};

/** prefix, words for the sides, names of CENTRE_BONES and of LIMB_BONES @type {string[][]} */
export const FAMILIES = [
  [
    "mixamorig\\d*[:_]?",
    "left right",
    "Hips Spine Spine1 Spine2|Spine3 Neck Head",
    "@Shoulder @Arm @ForeArm @Hand @UpLeg @Leg @Foot @ToeBase"
  ],
  [
    "character\\d+_",
    "left right",
    "Hips Spine Spine1 Spine2|Spine3 Neck Head",
    "@Shoulder @Arm @ForeArm @Hand @UpLeg @Leg @Foot @ToeBase"
  ],
  [
    "",
    "left right",
    "Hips Spine Spine1 Spine2|Spine3 Neck Head",
    "@Shoulder @Arm @ForeArm @Hand @UpLeg @Leg @Foot @ToeBase"
  ],
  [
    "j_bip_",
    "l r",
    "C_Hips C_Spine C_Chest C_UpperChest C_Neck C_Head",
    "@_Shoulder @_UpperArm @_LowerArm @_Hand @_UpperLeg @_LowerLeg @_Foot @_ToeBase"
  ],
  [
    "",
    "left right",
    "hips spine chest upperChest neck head",
    "@Shoulder @UpperArm @LowerArm @Hand @UpperLeg @LowerLeg @Foot @Toes"
  ],
  [
    "(?:valvebiped\\.)?bip\\d*[ _]+",
    "l r",
    "Pelvis Spine Spine1 Spine2 Neck|Neck1 Head|Head1",
    "@Clavicle @UpperArm @Forearm @Hand @Thigh @Calf @Foot @Toe0"
  ],
  [
    "cc_base_",
    "l r",
    "Hip Waist Spine01 Spine02 NeckTwist01 Head",
    "@_Clavicle @_Upperarm @_Forearm @_Hand @_Thigh @_Calf @_Foot @_ToeBase"
  ],
  [
    "",
    "left right",
    "Hips Spine Chest UpperChest Neck Head",
    "@shoulder @arm @elbow @wrist @leg @knee @ankle @toe"
  ],
  [
    "",
    "左 右",
    "腰|下半身|グルーブ|センター 上半身 上半身2 上半身3 首 頭",
    "@肩 @腕 @ひじ @手首 @足D|@足 @ひざD|@ひざ @足首D|@足首 @足先EX|@つま先|@つま先IK"
  ],
  [
    "",
    "l r",
    "腰|下半身|グルーブ|センター 上半身 上半身2 上半身3 首 頭",
    "肩.@ 腕.@ ひじ.@ 手首.@ 足D.@|足.@ ひざD.@|ひざ.@ 足首D.@|足首.@ 足先EX.@|つま先.@"
  ],
  [
    "",
    "l r",
    "root.x spine_01.x spine_02.x spine_03.x neck.x head.x",
    "shoulder.@ arm_stretch.@|arm.@ forearm_stretch.@|forearm.@ hand.@ thigh_stretch.@|thigh.@ leg_stretch.@|leg.@ foot.@ toes_01.@"
  ],
  [
    "def[-_]",
    "l r",
    "spine spine.001 spine.002 spine.003 spine.004|spine.005 spine.006",
    "shoulder.@ upper_arm.@ forearm.@ hand.@ thigh.@ shin.@ foot.@ toe.@"
  ],
  [
    "",
    "l r",
    "spine spine.001 spine.002 spine.003 spine.004|spine.005 spine.006",
    "shoulder.@ upper_arm.@ forearm.@ hand.@ thigh.@ shin.@ foot.@ toe.@"
  ],
  [
    "",
    "l r",
    "pelvis spine_01 spine_02 spine_03 neck_01 head",
    "clavicle_@ upperarm_@ lowerarm_@ hand_@ thigh_@ calf_@ foot_@ ball_@"
  ],
  [
    "",
    "l r",
    "hip abdomenLower|abdomen chestLower|chest chestUpper neckLower|neck head",
    "@Collar @ShldrBend|@Shldr @ForearmBend|@ForeArm @Hand @ThighBend|@Thigh @Shin @Foot @Toe"
  ],
  [
    "",
    "l r",
    "hip spine1 spine3 spine4 neck1 head",
    "@_shoulder @_upperarm @_forearm @_hand @_thigh @_shin @_foot @_toes"
  ],
  [
    "",
    "l r",
    "root spine05|spine04 spine03|spine02|spine01 - neck01 head",
    "clavicle.@ upperarm01.@ lowerarm01.@ wrist.@ upperleg01.@ lowerleg01.@ foot.@ toe1-1.@"
  ],
  [
    "",
    "l r",
    "Hips|Body Abdomen Torso - Neck Head",
    "Shoulder.@ UpperArm.@ LowerArm.@ Fist.@|Palm.@|Wrist.@|Hand.@ UpperLeg.@ LowerLeg.@ Foot.@ Toes.@"
  ],
  [
    "",
    "l r",
    "Pelvis Spine1 Spine2 Spine3 Neck Head",
    "@_Collar @_Shoulder @_Elbow @_Wrist @_Hip @_Knee @_Ankle @_Foot"
  ],
  [
    "",
    "left right",
    "Pelvis Spine1 Spine2 Spine3 Neck Head",
    "@_Collar @_Shoulder @_Elbow @_Wrist @_Hip @_Knee @_Ankle @_Foot"
  ],
  [
    "",
    "left right",
    "mPelvis mTorso mChest - mNeck mHead",
    "mCollar@ mShoulder@ mElbow@ mWrist@ mHip@ mKnee@ mAnkle@ mFoot@"
  ],
  [
    "",
    "left right",
    "Hips Chest|Spine Chest2 Chest3 Neck Head",
    "@Collar @Shoulder @Elbow @Wrist @Hip @Knee @Ankle @Toe"
  ],
  [
    "",
    "l r",
    "root lowerback upperback thorax lowerneck head",
    "@clavicle @humerus @radius @wrist|@hand @femur @tibia @foot @toes"
  ],
  [
    "",
    "l r",
    "cmu00 cmu12 cmu13 - cmu16 cmu18",
    "- cmu21/cmu30 cmu22/cmu31 cmu23/cmu32 cmu02/cmu08 cmu03/cmu09 cmu04/cmu10 cmu05/cmu11"
  ]
];
