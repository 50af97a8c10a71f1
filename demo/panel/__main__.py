"""`python -m demo.panel`: the simulated panel as a process of its own."""

import sys

from demo.panel.server import main

if __name__ == "__main__":
    sys.exit(main())
