"""Several files on the command line: exit codes, lines, and what is refused."""

import sys

import pytest
from fakes import MagentaEstimator, scenery, with_person, write_photo, write_video

import dance_now.app.network_cache
import dance_now.batch.works.pose_work


@pytest.fixture(autouse=True)
def desk(tmp_path, monkeypatch):
    """Two photos and a clip in the working folder; whoever is magenta is a person."""
    for module in (dance_now.app.network_cache, dance_now.batch.works.pose_work):
        monkeypatch.setattr(module, "open_estimator", lambda *_, **__: MagentaEstimator())
    monkeypatch.chdir(tmp_path)
    write_photo(tmp_path / "park.png", with_person(60))
    write_photo(tmp_path / "gym.png", with_person(140)[:141, 20:])
    write_video(tmp_path / "clip.mp4", [50, 60, 70])
    return tmp_path


def test_all_done_some_failed_and_usage(run, desk):
    done = run("dance", "park.png", "clip.mp4", "-c", "tempo", "-o", "out")
    assert done.code == 0
    assert "error" not in done.err  # which has lines about progress, if it took long
    assert "clip_tempo.mp4: 3 frames in" in done.out
    assert done.out.endswith("out: 2 done, 0 skipped, 0 failed\n")
    write_photo(desk / "nobody.png", scenery())
    some = run("dance", "*.png", "clip.mp4", "-c", "tempo", "-o", "out")
    assert some.code == 1
    assert some.out.count("\n") == 1  # gym.png
    assert "nobody.png: No person was found" in some.err
    assert "error: 1 of 4 sources failed (1 done, 2 skipped, 1 failed)." in some.err
    other = run("dance", "park.png", "clip.mp4", "-c", "tempo", "-o", "out", "--match", "1")
    assert "was made with another match. Set --overwrite to replace it." in other.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("*.mov", "park.png"), "No file matches *.mov"),
        (("nowhere/*.png", "-o", "out.mp4"), "No file matches nowhere/*.png"),
        (("park.png", "clip.mp4", "-o", "one.mp4"), "one.mp4 is one file"),
        (("park.png", "clip.mp4", "-o", "-"), "- is one file"),
        (("park.png", "clip.mp4", "--shard", "3/2"), "--shard must be I/N"),
        (("park.png", "clip.mp4", "--poses", "keys"), "--poses belong to one source"),
        (("park.png", "./park.png", "sub/park.png"), "have the same output"),
    ],
)
def test_wrong_usage(run, desk, words, message):
    if "sub/park.png" in words:
        (desk / "sub").mkdir()
        write_photo(desk / "sub" / "park.jpg", with_person(60))
        write_photo(desk / "sub" / "park.png", with_person(60))
        words = ("sub/park.jpg", "sub/park.png")
    outcome = run("dance", *words)
    assert outcome.code == 2
    assert message in outcome.err
    assert outcome.err.count("\n") == 1
    assert not list(desk.glob("**/*.json*"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--cluster", "127.0.0.1:1"), "cluster 127.0.0.1:1 cannot be reached"),
        (("--cluster", "nonsense"), "must be HOST:PORT, auto or local, not nonsense"),
        (("--jobs", "0"), "--jobs must be between 1"),
    ],
)
def test_no_workers(run, words, message):
    if "--cluster" in words:
        pytest.importorskip("ray")
    outcome = run("dance", "park.png", "clip.mp4", "-o", "out", *words)
    assert outcome.code == 1
    assert message in outcome.err
    assert outcome.err.count("\n") == 1


def test_a_missing_extra_names_itself(run, desk, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    outcome = run("dance", "park.png", "clip.mp4", "-o", "out", "--cluster", "auto")
    assert outcome.code == 1
    assert outcome.err == 'error: ray is not installed. Run: pip install "dance-now[cluster]"\n'
    assert not (desk / "out").exists()


def test_another_version_on_the_cluster_is_named():
    from dance_now.batch.runners.ray_connection import check_version
    from dance_now.core.errors import DanceNowError

    with pytest.raises(DanceNowError, match=r"node7 of the cluster has dance-now 0\.0\.1, this machine"):
        check_version("node7", "0.0.1")
    with pytest.raises(DanceNowError, match="node7 of the cluster has no dance-now"):
        check_version("node7", "")


def test_poses_of_several(run, desk):
    assert run("pose", "park.png", "clip.mp4", "-o", "poses").code == 0
    assert len(list((desk / "poses" / "clip_pose").glob("*_keypoints.json"))) == 3
    again = run("pose", "park.png", "clip.mp4", "-o", "poses")
    assert again.out == "poses: 0 done, 2 skipped, 0 failed\n"
    assert "was made with another csv" in run("pose", "park.png", "clip.mp4", "-o", "poses", "--csv").err


def test_the_report_is_a_table_and_a_sheet(run, desk):
    write_photo(desk / "nobody.png", scenery())
    run("dance", "*.png", "clip.mp4", "-c", "tempo", "-o", "out")
    report = run("batch-report", "out")
    assert report.code == 0
    assert "No person was found in nobody.png" in report.out
    assert "3 done, 1 failed; 5 frames" in report.out
    assert (desk / "out" / "report.jpg").exists()
    assert run("batch-report", "nowhere").code == 1
