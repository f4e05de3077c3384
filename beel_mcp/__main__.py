"""Run the server with `python -m beel_mcp`."""

import sys

from beel_mcp.cli import main

sys.exit(main())
