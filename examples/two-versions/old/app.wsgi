"""Shows which Python and which click it runs with."""

import sys

import click


def application(environ, start_response):
    body = "click %s on Python %s\n" % (click.__version__, sys.version)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [body.encode()]
