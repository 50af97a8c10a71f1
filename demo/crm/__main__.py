"""`python -m demo.crm`: the simulated CRM as a process of its own."""

import sys

from demo.crm.server import main

if __name__ == "__main__":
    sys.exit(main())
