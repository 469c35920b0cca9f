"""Serves the static files of a Django project while it is developed, as Django's runserver does.
For development alone."""

import sys


def serve_beside(app):
    """app, together with the files that django.contrib.staticfiles finds, if that is installed and
    DEBUG is set."""
    try:
        kind = _kind(app)
        return kind(app) if kind else app
    except Exception:
        # Its settings are not ready for that, and the app itself reports it if it matters.
        return app


def _kind(app):
    """The class that serves the files together with app; None if the app is not Django's, or has
    none."""
    base, conf = sys.modules.get("django.core.handlers.base"), sys.modules.get("django.conf")
    if base is None or conf is None or not conf.settings.configured or not conf.settings.DEBUG:
        return None
    from django.apps import apps

    if not apps.is_installed("django.contrib.staticfiles"):
        return None
    asgi, routing = sys.modules.get("django.core.handlers.asgi"), sys.modules.get(
        "channels.routing"
    )
    if (
        asgi is not None
        and isinstance(app, asgi.ASGIHandler)
        or routing is not None
        and _is_router(app, routing)
    ):
        return _BesideASGI
    return _BesideWSGI if isinstance(app, base.BaseHandler) else None


def _is_router(app, routing):
    return isinstance(app, routing.ProtocolTypeRouter) and "http" in app.application_mapping


class _BesideWSGI:
    # Django compares the whole path with STATIC_URL, so that its handler works below no mount. It
    # is given the path below.
    def __init__(self, app):
        from django.contrib.staticfiles.handlers import StaticFilesHandler

        self._app, self._files = app, StaticFilesHandler(app)
        self._url = _own_path(self._files.base_url)

    def __call__(self, environ, start_response):
        if not self._url or not environ.get("PATH_INFO", "").startswith(self._url):
            return self._app(environ, start_response)
        return self._files(dict(environ, SCRIPT_NAME=""), start_response)


class _BesideASGI:
    def __init__(self, app):
        from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler

        self._app, self._files = app, ASGIStaticFilesHandler(app)
        self._url = _own_path(self._files.base_url)

    async def __call__(self, scope, receive, send):
        if scope["type"] == "http" and self._url:
            mount, path = scope.get("root_path", ""), scope["path"]
            if mount and path.startswith(mount + "/"):
                path = path[len(mount) :]
            if path.startswith(self._url):
                await self._files(dict(scope, root_path="", path=path), receive, send)
                return
        await self._app(scope, receive, send)


def _own_path(url):
    """The path in STATIC_URL; "" when the files are another server's."""
    return "" if url.netloc else url.path
