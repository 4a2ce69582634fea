"""The player page as a static site, and node to run its modules."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from dance_now.core.errors import DanceNowError
from dance_now.live.player_site import write_player_site

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The page in a folder of its own, with the built-in characters, as any host would serve it."""
    folder = tmp_path_factory.mktemp("player")
    try:
        write_player_site(folder)
    except DanceNowError as error:
        pytest.skip(str(error))
    (folder / "package.json").write_text('{"type": "module"}')  # for node
    return folder


@pytest.fixture(scope="session")
def node(site):
    """Runs one of this folder's scripts on the site's modules; returns the JSON that it prints."""
    program = shutil.which("node")
    if program is None:
        pytest.skip("needs node")

    def run(script, *words):
        done = subprocess.run(
            [program, HERE / script, site, *map(str, words)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run
