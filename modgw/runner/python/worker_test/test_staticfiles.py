"""The static files of a Django project are there while it is developed, and nothing is put before
other apps."""

import asyncio
import os
import sys
import types
import unittest
import urllib.parse

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "worker"))

from modgw_worker.staticfiles import serve_beside  # noqa: E402


class Handler:
    def __call__(self, environ, start_response):
        return "the app %(SCRIPT_NAME)s %(PATH_INFO)s" % environ


class ASGIHandler(Handler):
    async def __call__(self, scope, receive, send):
        await send("the app " + scope["path"])


def files(url, answer):
    class Files:
        base_url = urllib.parse.urlparse(url)

        def __init__(self, app):
            pass

    Files.__call__ = answer
    return Files


def wsgi_answer(self, environ, start_response):
    return "a file %(SCRIPT_NAME)s %(PATH_INFO)s" % environ


async def asgi_answer(self, scope, receive, send):
    await send("a file " + scope["root_path"] + " " + scope["path"])


class StaticFiles(unittest.TestCase):
    def install(self, debug=True, installed=True, url="/static/"):
        """Makes the parts of a Django that are looked at."""
        modules = {
            "django": {},
            "django.apps": {"apps": types.SimpleNamespace(is_installed=lambda name: installed)},
            "django.conf": {"settings": types.SimpleNamespace(DEBUG=debug, configured=True)},
            "django.core.handlers.base": {"BaseHandler": Handler},
            "django.core.handlers.asgi": {"ASGIHandler": ASGIHandler},
            "django.contrib": {},
            "django.contrib.staticfiles": {},
            "django.contrib.staticfiles.handlers": {
                "StaticFilesHandler": files(url, wsgi_answer),
                "ASGIStaticFilesHandler": files(url, asgi_answer),
            },
        }
        for name, content in modules.items():
            sys.modules[name] = module = types.ModuleType(name)
            module.__dict__.update(content)
            self.addCleanup(sys.modules.pop, name, None)

    def ask(self, app, mount, path):
        return serve_beside(app)({"SCRIPT_NAME": mount, "PATH_INFO": path}, None)

    def test_files_are_served_below_any_mount(self):
        self.install()
        for mount in ("", "/blog"):
            self.assertEqual(self.ask(Handler(), mount, "/static/x.css"), "a file  /static/x.css")
            self.assertEqual(self.ask(Handler(), mount, "/x.css"), "the app %s /x.css" % mount)

    def test_files_of_asgi(self):
        self.install()
        sent = []

        async def send(message):
            sent.append(message)

        app = serve_beside(ASGIHandler())
        for mount in ("", "/blog"):
            for kind, path in (
                ("http", "/static/x.css"),
                ("http", "/x"),
                ("websocket", "/static/x.css"),
            ):
                asyncio.run(
                    app({"type": kind, "root_path": mount, "path": mount + path}, None, send)
                )
        self.assertEqual(sent[:3], ["a file  /static/x.css", "the app /x", "the app /static/x.css"])
        self.assertEqual(
            sent[3:], ["a file  /static/x.css", "the app /blog/x", "the app /blog/static/x.css"]
        )

    def test_nothing_is_put_before_what_serves_none(self):
        for settings in (
            {"debug": False},
            {"installed": False},
            {"url": "https://cdn.example.com/static/"},
        ):
            self.install(**settings)
            self.assertEqual(
                self.ask(Handler(), "", "/static/x.css"), "the app  /static/x.css", settings
            )

    def test_other_apps_are_left_alone(self):
        def app(environ, start_response):
            raise NotImplementedError

        self.assertIs(serve_beside(app), app)
        self.install()
        self.assertIs(serve_beside(app), app)
