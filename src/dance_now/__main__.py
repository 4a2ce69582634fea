"""``python -m dance_now`` is ``dance-now``."""

import sys

from dance_now.cli import main

if __name__ == "__main__":
    sys.exit(main())
