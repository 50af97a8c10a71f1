"""`python -m demo.shop`: the simulated shop as a process of its own."""

import sys

from demo.shop.server import main

if __name__ == "__main__":
    sys.exit(main())
