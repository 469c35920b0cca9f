"""Asks frameworks to let exceptions through that they would answer themselves. For development
alone."""

import sys

from .staticfiles import serve_beside


def adapt(app):
    """The app as a developer wants it: its exceptions come to the worker, which serves its static
    files."""
    let_through(app)
    return serve_beside(app)


def let_through(app):
    """Changes the settings of app, or of the framework behind it, so that the worker sees
    exceptions in a request."""
    for ask in (_flask, _bottle, _django):
        try:
            ask(app)
        except Exception:
            pass  # It answers for itself then, as it does elsewhere.


def _flask(app):
    config = getattr(app, "config", None)
    if isinstance(config, dict) and config.get("PROPAGATE_EXCEPTIONS", "") is None:
        config["PROPAGATE_EXCEPTIONS"] = True


def _bottle(app):
    bottle = sys.modules.get("bottle")
    if bottle is not None and isinstance(app, bottle.Bottle):
        app.catchall = False


def _django(app):
    base, conf = sys.modules.get("django.core.handlers.base"), sys.modules.get("django.conf")
    if base is None or conf is None or not isinstance(app, base.BaseHandler):
        return
    # With DEBUG, Django shows a page of its own that knows more of Django.
    if not conf.settings.DEBUG:
        conf.settings.DEBUG_PROPAGATE_EXCEPTIONS = True
