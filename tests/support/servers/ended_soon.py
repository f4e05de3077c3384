"""Runs our command line with less patience at its end: nobody waits fifteen seconds for a test."""

import sys

from beel_mcp.cli import http, main
from beel_mcp.writes.journal import workers

http.GRACE_S = 1
workers.LINGER_S = 0.5

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
