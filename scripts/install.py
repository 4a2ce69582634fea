"""Runs `pip install` for the Makefile; a package index out of reach is one line instead of pip's many.

Any Python 3 can run it.

python scripts/install.py PYTHON WORD ...    # PYTHON: of the environment to install into
"""

import re
import subprocess
import sys

OUT_OF_REACH = re.compile(
    "NewConnectionError|ConnectTimeout|ReadTimeout|ProxyError|NameResolutionError|Max retries exceeded|"
    "Temporary failure in name resolution|Network is unreachable|Connection (?:refused|reset|broken)",
    re.IGNORECASE,
)

NONE_FOUND = re.compile(r"satisfies the requirement (\S+) \(from versions: none\)")


def message(errors: str) -> str:
    """What to print of pip's errors."""
    none = NONE_FOUND.search(errors)
    if OUT_OF_REACH.search(errors):
        problem = "pip cannot reach its package index"
    elif none:
        problem = (
            "pip finds no " + none[1] + ": its package index is out of reach, or has none for this system"
        )
    else:
        return errors
    return "error: " + problem + ". Check the network (PIP_INDEX_URL, PIP_PROXY) and run make again.\n"


def main(words: list[str]) -> int:
    """Installs; the exit code is pip's."""
    command = [words[0], "-m", "pip", "--disable-pip-version-check", "--quiet", "install", *words[1:]]
    try:
        done = subprocess.run(command, stderr=subprocess.PIPE, check=False)
    except KeyboardInterrupt:
        return 130
    if done.returncode:
        sys.stderr.write(message(done.stderr.decode(errors="replace")))
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
