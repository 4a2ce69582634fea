"""Lets tests of every folder import the made-up bodies in ``skeletons.py``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
