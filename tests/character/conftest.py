"""What the tests of characters share: a made-up character file, and small avatars."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from dance_now.pose.model.skeleton import Skeleton
    from dance_now.render.avatar.avatar import Avatar


@pytest.fixture(scope="session")
def character_bytes(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A sound character file."""
    from character_files import content, file_bytes

    return file_bytes(tmp_path_factory.mktemp("character"), content())


@pytest.fixture(scope="session")
def small_avatar(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], "Avatar"]:
    """Loads the small test humanoid in the format "glb", "vrm0" or "vrm1"."""
    from avatars import build_humanoid

    from dance_now.render.avatar.avatar import load_avatar

    folder = tmp_path_factory.mktemp("humanoids")

    def load(kind: str) -> "Avatar":
        file = folder / f"{kind}.glb"
        file.write_bytes(build_humanoid(kind).to_bytes())
        return load_avatar(file)

    return load


@pytest.fixture(scope="session")
def small_skeleton(small_avatar: Callable[[str], "Avatar"]) -> "Skeleton":
    """The small humanoid's body."""
    from dance_now.render.avatar.avatar_keypoints import avatar_skeleton

    return avatar_skeleton(small_avatar("vrm1"))
