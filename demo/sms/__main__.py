"""`python -m demo.sms`: the simulated SMS gateway as a process of its own."""

import sys

from demo.sms.server import main

if __name__ == "__main__":
    sys.exit(main())
