"""A Flask site; shows the versions that it runs with."""

import platform

import flask
from importlib.metadata import version

app = flask.Flask(__name__)


@app.get("/")
def index():
    return {
        "site": "shop",
        "framework": "Flask " + version("flask"),
        "click": version("click"),
        "python": "%s %s" % (platform.python_implementation(), platform.python_version()),
        "path": flask.request.path,
        "mount": flask.request.script_root,
    }
