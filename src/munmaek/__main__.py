"""``python -m munmaek``."""

import sys

from munmaek.cli import main

if __name__ == "__main__":
    sys.exit(main())
