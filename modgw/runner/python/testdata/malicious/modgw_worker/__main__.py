"""Runs a worker that dials in: python -m modgw_worker --attach unix:PATH [ENTRY]."""

import sys

from modgw_worker import attach

sys.exit(attach.main(sys.argv[1:]))
