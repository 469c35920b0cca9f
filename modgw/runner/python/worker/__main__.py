"""Runs the worker from its folder: PYTHON FOLDER --connections N --lifeline FD [--report modules]
[app=NAME gen=N worker=N].

A template is run as PYTHON FOLDER --template NAME.
"""

import sys

from modgw_worker import main

sys.exit(main.main(sys.argv[1:], folder=sys.path[0]))
