"""Possible entries, the surroundings of the app, and the messages if there is no app."""

import os
import pickle
import unittest

from fakehost import WorkerTestCase

ANSWER = """
def %s(environ, start_response):
    start_response("200 OK", [])
    return [%s]
"""


class Entries(WorkerTestCase):
    def answer(self, entry, **options):
        worker = self.worker(entry, **options)
        self.callable = worker.ready()["callable"]
        return worker.get().body.decode()

    def test_a_file_with_any_suffix(self):
        for name in (
            "blog.wsgi",
            "blog.py",
            "blog",
            "blog.cgi",
            "with space.wsgi",
            "uml\u00e4ut.py",
        ):
            with self.subTest(name):
                path = self.write(name, ANSWER % ("application", "__file__.encode()"))
                self.assertEqual(self.answer(path), path)

    def test_app_is_the_second_default(self):
        path = self.write("a.wsgi", ANSWER % ("app", "b'app'"))
        self.assertEqual(self.answer(path), "app")
        self.assertEqual(self.callable, "app")
        self.write(
            "a.wsgi", ANSWER % ("app", "b'app'") + ANSWER % ("application", "b'application'")
        )
        self.assertEqual(self.answer(path), "application")

    def test_a_module_and_a_dotted_callable(self):
        self.write("pkg/__init__.py", "")
        self.write(
            "pkg/site.py",
            """
            class Site:
                class inner:
                    @staticmethod
                    def app(environ, start_response):
                        start_response("200 OK", [])
                        return [__name__.encode()]
            application = Site.inner.app
            """,
        )
        self.assertEqual(self.answer("pkg.site:Site.inner.app"), "pkg.site")
        self.assertEqual(self.answer("pkg.site"), "pkg.site")

    def test_a_factory_takes_literals(self):
        self.write(
            "factory.py",
            """
            class make:
                @classmethod
                def app(cls, *args, **kwargs):
                    def app(environ, start_response):
                        start_response("200 OK", [])
                        return [repr((args, kwargs)).encode()]
                    return app
            create_app = make.app
            """,
        )
        self.assertEqual(self.answer("factory:create_app()"), "((), {})")
        self.assertEqual(
            self.answer("factory:make.app('a:b', -1, debug=True, x=[1, {'y': None}])"),
            str((("a:b", -1), {"debug": True, "x": [1, {"y": None}]})),
        )
        file = os.path.join(self.folder, "factory.py")
        self.assertEqual(self.answer(file + ":create_app('a:b')"), "(('a:b',), {})")

    def test_the_folder_of_a_file_and_the_root_and_extra_paths_can_be_imported_from(self):
        self.write("conf/beside.py", "name = 'beside'")
        self.write("atroot.py", "name = 'root'")
        self.write("lib/inlib.py", "name = 'lib'")
        path = self.write(
            "conf/app.wsgi",
            "import beside, atroot, inlib, sys\n" + ANSWER % ("app", "repr(sys.path[:3]).encode()"),
        )
        lib = os.path.join(self.folder, "lib")
        self.assertEqual(
            self.answer(path, path=[lib]),
            repr([lib, os.path.join(self.folder, "conf"), self.folder]),
        )

    def test_a_python_file_is_the_module_that_an_import_of_it_gives(self):
        self.write("models.py", "import app\nsame = app")
        path = self.write(
            "app.py",
            """
            count = globals().get("count", 0) + 1
            import sys
            def app(environ, start_response):
                import models
                start_response("200 OK", [])
                return [repr((__name__, models.same is sys.modules[__name__])).encode()]
            """,
        )
        self.assertEqual(self.answer(path), "('app', True)")

    def test_a_file_in_a_package_is_a_module_of_the_package(self):
        self.write("blog/__init__.py", "")
        self.write("blog/settings.py", "name = 'settings'")
        path = self.write(
            "blog/wsgi.py",
            "from . import settings\nfrom blog.settings import name\n"
            + ANSWER % ("app", "__name__.encode()"),
        )
        self.assertEqual(self.answer(path), "blog.wsgi")

    def test_a_file_named_like_a_library_does_not_replace_it(self):
        path = self.write(
            "socket.py",
            "import socket\nassert socket.AF_UNIX\n" + ANSWER % ("app", "__name__.encode()"),
        )
        self.assertRegex(self.answer(path), "^_modgw_")

    def test_objects_of_a_script_can_be_pickled_between_workers(self):
        source = """
            import pickle
            class Thing:
                pass
            def app(environ, start_response):
                data = environ["wsgi.input"].read()
                thing = pickle.loads(data) if data else Thing()
                assert type(thing) is Thing
                start_response("200 OK", [])
                return [pickle.dumps(thing)]
            """
        path = self.write("app.wsgi", source)
        workers = [self.worker(path) for _ in range(2)]
        for worker in workers:
            worker.ready()
        data = workers[0].get().body
        self.assertEqual(workers[1].post("/", data).body, data)

    def test_spawned_children_can_import_the_entry(self):
        source = """
            import concurrent.futures, multiprocessing, os, sys
            here = os.getpid()

            class Square:
                def __init__(self, x):
                    self.value = x * x

            def square(x):
                return Square(x), os.getpid()

            def nested(x):
                with multiprocessing.get_context("spawn").Pool(1) as pool:
                    return pool.map(square, [x])[0]

            def app(environ, start_response):
                context = multiprocessing.get_context(environ["QUERY_STRING"])
                with context.Pool(1) as pool:
                    squares = pool.map(square, [1, 2, 3])
                if sys.implementation.name == "cpython":  # That of PyPy 3.9 does not work.
                    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as executor:
                        squares.append(executor.submit(nested, 4).result())
                assert all(pid != here for _, pid in squares)
                start_response("200 OK", [])
                values = [type(found) is Square and found.value for found, _ in squares]
                return [repr(values).encode()]
            """
        worker = self.worker(self.write("my-site uml\u00e4ut_.wsgi", source))
        worker.ready()
        for method in ("spawn", "forkserver"):
            with self.subTest(method=method):
                response = worker.get("/?" + method)
                self.assertIsNone(response.aborted, worker.logs)
                self.assertIn(response.body, (b"[1, 4, 9, 16]", b"[1, 4, 9]"))
        self.assertEqual(worker.stop(), 0)

    def test_source_and_tracebacks_of_a_script_can_be_seen(self):
        path = self.write(
            "app.wsgi", "import inspect\n" + ANSWER % ("app", "inspect.getsource(app).encode()")
        )
        self.assertIn("inspect.getsource(app).encode()", self.answer(path))

    def test_the_worker_leaves_no_trace(self):
        source = """
            import sys, os, __main__
            def app(environ, start_response):
                start_response("200 OK", [])
                here = [entry for entry in sys.path if os.path.basename(entry) == "worker"]
                main = os.path.basename(vars(__main__).get("__file__", "none"))
                return [repr((sys.argv, here, main, os.getcwd(), sys.stdin.read())).encode()]
            """
        path = self.write("app.wsgi", source)
        self.write("app_.py", source)
        self.assertEqual(self.answer(path), repr(([path], [], "script.py", self.folder, "")))
        self.assertEqual(
            self.answer("app_", root=self.folder), repr((["app_"], [], "none", self.folder, ""))
        )

    def test_a_changed_source_is_never_hidden_by_cached_bytecode(self):
        path = self.write("app.wsgi", "from part import version\n" + ANSWER % ("app", "version"))
        for version in ("b'1'", "b'2'", "b'3'"):
            self.write("part.py", "version = " + version)
            self.assertEqual(
                "b'%s'" % self.answer(path, env={"PYTHONDONTWRITEBYTECODE": ""}), version
            )

    def test_settled_source_is_cached(self):
        part = self.write("part.py", "")
        os.utime(part, (1, 1))
        self.answer(
            self.write("app.wsgi", "import part\n" + ANSWER % ("app", "b''")),
            env={"PYTHONDONTWRITEBYTECODE": ""},
        )
        self.assertTrue(os.listdir(os.path.join(self.folder, "__pycache__")))


class Failures(WorkerTestCase):
    def failure(self, source, name="app.wsgi", entry=None, **options):
        path = self.write(name, source)
        worker = self.worker(entry or path, **options)
        fields = worker.failed()
        self.assertEqual(worker.process.returncode, 1)
        self.assertNotIn("modgw_worker", fields["traceback"])
        self.assertNotIn("importlib", fields["traceback"])
        return fields

    def place(self, fields):
        return fields["file"], fields["line"], fields["text"]

    def test_a_syntax_error(self):
        path = os.path.join(self.folder, "app.wsgi")
        fields = self.failure("import os\n\ndef broken(:\n    pass\n")
        self.assertEqual((fields["reason"], fields["type"]), ("import", "SyntaxError"))
        self.assertEqual(self.place(fields), (path, 3, "def broken(:"))
        self.assertIn("def broken(:", fields["traceback"])

    def test_a_syntax_error_in_an_imported_file(self):
        part = self.write("part.py", "x = 1\ny = = 2\n")
        fields = self.failure("import part\n")
        self.assertEqual(self.place(fields), (part, 2, "y = = 2"))

    def test_an_exception_names_the_last_line_of_the_app(self):
        part = self.write(
            "part.py", "import json\n\ndef load():\n    return json.loads('nonsense')\n"
        )
        fields = self.failure("import part\nsettings = part.load()\n")
        self.assertEqual((fields["reason"], fields["type"]), ("import", "JSONDecodeError"))
        self.assertEqual(self.place(fields), (part, 4, "return json.loads('nonsense')"))
        self.assertIn("settings = part.load()", fields["traceback"])

    def test_libraries_are_not_the_apps_own_code(self):
        self.write(
            "venv/lib/python3/site-packages/lib.py",
            "def f():\n    raise ValueError('from the library')\n",
        )
        fields = self.failure(
            "import lib\nlib.f()\n",
            path=[os.path.join(self.folder, "venv/lib/python3/site-packages")],
        )
        self.assertEqual(self.place(fields), (os.path.join(self.folder, "app.wsgi"), 2, "lib.f()"))

    def test_a_missing_module(self):
        fields = self.failure("import os\nimport no_such_module\n")
        self.assertEqual((fields["reason"], fields["type"]), ("import", "ModuleNotFoundError"))
        self.assertEqual(
            self.place(fields), (os.path.join(self.folder, "app.wsgi"), 2, "import no_such_module")
        )

    def test_a_missing_entry(self):
        fields = self.failure("", entry="no_such_module:app")
        self.assertEqual(
            (fields["reason"], fields["message"], fields["file"]),
            ("import", "No module named 'no_such_module'", ""),
        )
        fields = self.failure("", entry="/no/such/file.wsgi")
        self.assertEqual((fields["reason"], fields["type"]), ("import", "FileNotFoundError"))
        self.assertIn("/no/such/file.wsgi", fields["message"])

    def test_a_missing_callable_lists_what_is_there(self):
        fields = self.failure(
            "from os import getcwd\nclass Site: pass\ndef create_app(): pass\nname = 'x'\n",
            name="site_.py",
        )
        self.assertEqual(fields["reason"], "missing")
        self.assertEqual(
            fields["message"],
            'cannot find application or app in module "site_"; it has the callables Site, '
            'create_app',
        )
        self.assertEqual(fields["file"], os.path.join(self.folder, "site_.py"))
        fields = self.failure("x = 1\n", entry="mod:create_app()", name="mod.py")
        self.assertEqual(
            fields["message"], 'cannot find create_app in module "mod"; it has no callables at all'
        )

    def test_something_that_cannot_be_called(self):
        fields = self.failure("application = 'text'\n")
        self.assertEqual(fields["reason"], "not callable")
        self.assertIn("cannot use application in", fields["message"])
        self.assertIn("of type str, not a callable", fields["message"])
        fields = self.failure("def make(): pass\n", name="mod.py", entry="mod:make()")
        self.assertEqual((fields["reason"], fields["type"]), ("not callable", "TypeError"))
        self.assertIn("make() in module \"mod\": it is None", fields["message"])

    def test_an_asgi_app_is_told_apart(self):
        for source in (
            "async def app(scope, receive, send): pass\n",
            "class A:\n    async def __call__(self, s, r, x): pass\napp = A()\n",
        ):
            fields = self.failure(source)
            self.assertEqual(fields["reason"], "not callable")
            self.assertIn("an asgi block", fields["message"])

    def test_nothing_but_names_and_literals_is_evaluated(self):
        for expression in (
            "make(open('evil', 'w'))",
            "make()()",
            "make[0]",
            "x=1",
            "make().app",
            "1",
            "lambda: 1",
            "make(*[1])",
            "make(",
        ):
            with self.subTest(expression):
                fields = self.failure(
                    "def make(*args): return make\n", name="mod.py", entry="mod:" + expression
                )
                self.assertEqual(fields["reason"], "import")
                self.assertEqual(fields["type"], "ValueError")
        self.assertFalse(os.path.exists(os.path.join(self.folder, "evil")))

    def test_exit_while_loading(self):
        fields = self.failure("import sys\nsys.exit('no database')\n")
        self.assertEqual(
            (fields["reason"], fields["type"], fields["message"]),
            ("exit", "SystemExit", "no database"),
        )
        self.assertEqual(
            self.place(fields),
            (os.path.join(self.folder, "app.wsgi"), 2, "sys.exit('no database')"),
        )

    def test_a_factory_that_fails(self):
        fields = self.failure("def make():\n    return 1 / 0\n", name="mod.py", entry="mod:make()")
        self.assertEqual(
            (fields["reason"], fields["type"], fields["line"]), ("import", "ZeroDivisionError", 2)
        )

    def test_threads_that_were_left_do_not_hold_up_the_end(self):
        fields = self.failure(
            "import threading\nthreading.Thread(target=threading.Event().wait).start()\n"
            "raise ValueError\n"
        )
        self.assertEqual(fields["type"], "ValueError")

    def test_what_it_printed_is_not_lost(self):
        path = self.write("app.wsgi", "print('half a line', end='')\nraise ValueError\n")
        worker = self.worker(path)
        worker.failed()
        self.assertEqual(worker.output(), "half a line")

    def test_a_wsgi_app_is_not_run_as_asgi(self):
        worker = self.worker(self.write("app.wsgi", ANSWER % ("app", "b''")), kind="asgi")
        fields = worker.failed()
        self.assertEqual(fields["reason"], "not callable")
        self.assertIn("it is a WSGI app, which a wsgi block runs", fields["message"])


if __name__ == "__main__":
    unittest.main()
