"""Training of several avatars: names, what results depend on, and what is passed on."""

from dataclasses import replace

import pytest

from dance_now.batch.batch_run import Batch, BatchOptions
from dance_now.batch.batch_sources import list_sources
from dance_now.batch.works import train_work
from dance_now.batch.works.train_work import TrainWork
from dance_now.core.errors import DanceNowError, UsageError
from dance_now.render.avatar.avatar_options import AvatarOptions
from dance_now.training.character_card import Rights
from dance_now.training.train_config import PRESETS

WORK = TrainWork(config=PRESETS["debug"], rights=Rights(None, None), options=AvatarOptions())


@pytest.fixture
def avatars(tmp_path, monkeypatch):
    """Two avatars, and a training that copies the name; the second fails."""
    monkeypatch.chdir(tmp_path)
    for name in ("Alicia Solid.vrm", "bad.vrm"):
        (tmp_path / name).write_bytes(name.encode())

    def train(source, output, config, *, report, **options):
        report("build", 1, 1, "")
        if source.name == "bad.vrm":
            raise DanceNowError("bad.vrm has no bones.")
        output.write_bytes(source.read_bytes())

    monkeypatch.setattr(train_work, "train", train)
    return tmp_path


def run(work=WORK, **options):
    batch = Batch.plan(work, list_sources(["*.vrm"]), "cast", BatchOptions(**options))
    return {result.source: result for result in batch.run()}


def test_a_file_for_each_avatar(avatars):
    results = run()
    assert (avatars / "cast" / "alicia_solid.dance").read_bytes() == b"Alicia Solid.vrm"
    assert results["bad.vrm"].message == "bad.vrm has no bones."
    assert run()["Alicia Solid.vrm"].status == "skipped"


def test_other_options_are_refused(avatars):
    run()
    other = replace(WORK, options=AvatarOptions(hide=("sword",)))
    assert "was made with another hide" in run(other)["Alicia Solid.vrm"].message


def test_a_name_that_no_character_can_have_is_refused(avatars):
    (avatars / "\u30a2.vrm").write_bytes(b"")
    with pytest.raises(UsageError, match="gives no name for a character"):
        run()
