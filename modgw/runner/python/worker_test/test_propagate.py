"""Frameworks let exceptions through while an app is developed, unless the app says otherwise."""

import os
import sys
import types
import unittest

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "worker"))

from modgw_worker.propagate import let_through  # noqa: E402


class Flask:
    def __init__(self, propagate):
        self.config = {"PROPAGATE_EXCEPTIONS": propagate}


class Bottle:
    catchall = True


class Propagate(unittest.TestCase):
    def test_flask_is_asked_where_the_app_says_nothing(self):
        for before, after in ((None, True), (False, False), (True, True)):
            app = Flask(before)
            let_through(app)
            self.assertIs(app.config["PROPAGATE_EXCEPTIONS"], after)

    def test_bottle_is_asked(self):
        sys.modules["bottle"] = types.SimpleNamespace(Bottle=Bottle)
        self.addCleanup(sys.modules.pop, "bottle")
        app = Bottle()
        let_through(app)
        self.assertFalse(app.catchall)

    def test_django_is_asked_without_debug(self):
        for debug in (True, False):
            base = type("BaseHandler", (), {})
            handler = type("WSGIHandler", (base,), {})
            settings = types.SimpleNamespace(DEBUG=debug)
            sys.modules["django.core.handlers.base"] = types.SimpleNamespace(BaseHandler=base)
            sys.modules["django.conf"] = types.SimpleNamespace(settings=settings)
            self.addCleanup(sys.modules.pop, "django.core.handlers.base", None)
            self.addCleanup(sys.modules.pop, "django.conf", None)
            let_through(handler())
            self.assertEqual(hasattr(settings, "DEBUG_PROPAGATE_EXCEPTIONS"), not debug)

    def test_other_apps_are_left_alone(self):
        def app(environ, start_response):
            raise NotImplementedError

        class Odd:
            @property
            def config(self):
                raise RuntimeError("no")

        let_through(app)
        let_through(Odd())


if __name__ == "__main__":
    unittest.main()
