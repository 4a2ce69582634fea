"""Writes small BVH files for tests."""

TREE = {
    "Hips": (None, (0, 90, 0)),
    "Spine": ("Hips", (0, 40, 0)),
    "Head": ("Spine", (0, 20, 0)),
    "LeftArm": ("Spine", (15, 0, 0)),
    "LeftForeArm": ("LeftArm", (30, 0, 0)),
    "LeftHand": ("LeftForeArm", (25, 0, 0)),
    "RightArm": ("Spine", (-15, 0, 0)),
    "RightForeArm": ("RightArm", (-30, 0, 0)),
    "RightHand": ("RightForeArm", (-25, 0, 0)),
    "LeftUpLeg": ("Hips", (10, -5, 0)),
    "LeftLeg": ("LeftUpLeg", (0, -40, 0)),
    "LeftFoot": ("LeftLeg", (0, -40, 0)),
    "LeftToeBase": ("LeftFoot", (0, -4, 12)),
    "RightUpLeg": ("Hips", (-10, -5, 0)),
    "RightLeg": ("RightUpLeg", (0, -40, 0)),
    "RightFoot": ("RightLeg", (0, -40, 0)),
    "RightToeBase": ("RightFoot", (0, -4, 12)),
}


def write_bvh(rows: list[dict[str, tuple[float, float, float]]], rename: dict[str, str] | None = None) -> str:
    """A BVH text: every row gives some joints' turns in degrees about x, y, z."""

    def joint(name: str) -> str:
        parent, offset = TREE[name]
        kind = "ROOT" if parent is None else "JOINT"
        channels = "Xposition Yposition Zposition " if parent is None else ""
        count = 6 if parent is None else 3
        children = [child for child, (above, _) in TREE.items() if above == name]
        end = "" if children else "End Site { OFFSET 0 0 0 }"
        return (
            f"{kind} {(rename or {}).get(name, name)} {{ OFFSET {offset[0]} {offset[1]} {offset[2]} "
            f"CHANNELS {count} {channels}Xrotation Yrotation Zrotation "
            f"{''.join(map(joint, children))} {end} }}\n"
        )

    order: list[str] = []

    def walk(name: str) -> None:
        order.append(name)
        for child, (above, _) in TREE.items():
            if above == name:
                walk(child)

    walk("Hips")
    lines = [
        " ".join(["0 90 0", *(" ".join(map(str, row.get(name, (0, 0, 0)))) for name in order)])
        for row in rows
    ]
    return f"HIERARCHY\n{joint('Hips')}MOTION\nFrames: {len(rows)}\nFrame Time: 0.04\n" + "\n".join(lines)
