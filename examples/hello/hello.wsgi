# /// script
# requires-python = ">=3.8"
# dependencies = ["humanize==4.10.0"]
# ///
"""Says hello, and how long this process has been up. The block above is all that the app needs to be installed."""

import datetime

import humanize

STARTED = datetime.datetime.now()


def application(environ, start_response):
    up = humanize.naturaldelta(datetime.datetime.now() - STARTED)
    body = "Hello, world! I have been up for %s.\n" % up
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
    return [body.encode()]
