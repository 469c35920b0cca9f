"""Apps that were written for mod_wsgi find its module and its keys."""

import os
import signal

from fakehost import WorkerTestCase

SHOW = """
def application(environ, start_response):
    start_response("200 OK", [])
    keys = {key: value for key, value in environ.items() if key.startswith("mod_wsgi.")}
    return [repr(keys).encode()]
"""


class Compat(WorkerTestCase):
    def compatible(self, source, threads=1, **more):
        path = self.write("app.wsgi", source)
        worker = self.worker(path, start=False, threads=threads)
        worker.start_message.update(compat="mod_wsgi", processes=3, **more)
        worker.start()
        worker.ready()
        return worker

    def answer(self, worker, **environ):
        return eval(worker.get(**environ).body.decode())

    def test_an_app_that_asks_for_the_module_gets_it(self):
        worker = self.serve(
            "from mod_wsgi import *\n"
            "import mod_wsgi\n"
            "def application(environ, start_response):\n"
            "    start_response('200 OK', [])\n"
            "    keys = [key for key in environ if key.startswith('mod_wsgi.')]\n"
            "    facts = version, process_group, application_group, maximum_processes\n"
            "    facts += threads_per_process, mod_wsgi.server_metrics()\n"
            "    return [repr((facts, keys)).encode()]\n",
            threads=2,
        )
        facts, keys = self.answer(worker)
        self.assertEqual(facts, ((6, 0, 5), "test", "", 1, 2, None))
        self.assertEqual(keys, [])

    def test_an_app_that_does_not_ask_has_nothing_of_it(self):
        worker = self.serve(
            "import sys\n"
            "def application(environ, start_response):\n"
            "    start_response('200 OK', [])\n"
            "    names = [*environ, *sys.modules]\n"
            "    return [repr([name for name in names if 'mod_wsgi' in name]).encode()]\n"
        )
        self.assertEqual(self.answer(worker), [])

    def test_environ_has_the_keys_when_they_are_asked_for(self):
        worker = self.compatible(SHOW)
        arrived = "t=1700000000123456"
        variables = {"SCRIPT_NAME": "/blog", "PATH_INFO": "/x", "SERVER_PORT": "8080"}
        keys = self.answer(worker, HTTP_X_REQUEST_START=arrived, **variables)
        want = {
            "mod_wsgi.version": (6, 0, 5),
            "mod_wsgi.process_group": "test",
            "mod_wsgi.application_group": "",
            "mod_wsgi.callable_object": "application",
            "mod_wsgi.request_handler": "wsgi-script",
            "mod_wsgi.script_name": "/blog",
            "mod_wsgi.path_info": "/x",
            "mod_wsgi.listener_port": "8080",
            "mod_wsgi.request_id": "request-1",
            "mod_wsgi.request_start": 1700000000.123456,
            "mod_wsgi.queue_start": 1700000000.123456,
        }
        self.assertEqual({key: keys.get(key) for key in want}, want)
        self.assertGreater(keys["mod_wsgi.daemon_start"], 1700000001)
        future, digits = "t=9999999999999999", "1700000000123456"
        for lie in ("", "t=", future, "t=17000000001234x6", "t=-700000000123456", digits):
            with self.subTest(lie):
                keys = self.answer(worker, HTTP_X_REQUEST_START=lie)
                self.assertEqual(keys["mod_wsgi.request_start"], keys["mod_wsgi.daemon_start"])

    def test_the_module_is_there_before_the_app(self):
        worker = self.compatible(
            "import sys\n"
            "module = sys.modules['mod_wsgi']\n"
            "group = module.process_group, module.maximum_processes\n"
            "def application(environ, start_response):\n"
            "    start_response('200 OK', [])\n"
            "    return [repr(group).encode()]\n"
        )
        self.assertEqual(self.answer(worker), ("test", 3))

    def test_an_installed_package_stays_what_it_is(self):
        package = os.path.join(self.folder, "lib", "mod_wsgi")
        os.makedirs(os.path.join(package, "server"))
        self.write("lib/mod_wsgi/__init__.py", "version = 'its own'\n")
        self.write("lib/mod_wsgi/server/__init__.py", "name = 'the server'\n")
        source = (
            "import mod_wsgi, mod_wsgi.server\n"
            "from mod_wsgi.server import name\n"
            "group = getattr(mod_wsgi, 'process_group', None)\n"
            "def application(environ, start_response):\n"
            "    start_response('200 OK', [])\n"
            "    return [repr((mod_wsgi.version, name, group)).encode()]\n"
        )
        path = [os.path.join(self.folder, "lib")]
        worker = self.compatible(source, path=path)
        self.assertEqual(self.answer(worker), ("its own", "the server", "test"))
        worker = self.serve(source, path=path)
        self.assertEqual(self.answer(worker), ("its own", "the server", None))

    def test_a_folder_of_configuration_with_this_name_hides_nothing(self):
        os.mkdir(os.path.join(self.folder, "mod_wsgi"))
        self.write("mod_wsgi/site.conf", "WSGIScriptAlias / /srv/app.wsgi\n")
        worker = self.compatible("from mod_wsgi import process_group\n" + SHOW)
        self.assertEqual(self.answer(worker)["mod_wsgi.process_group"], "test")

    def test_events_of_requests_are_published(self):
        worker = self.compatible(
            "import mod_wsgi\n"
            "seen = []\n"
            "@mod_wsgi.subscribe_events\n"
            "def note(name, **event):\n"
            "    status = event.get('status', event.get('response_status'))\n"
            "    seen.append((name, event['request_id'], status))\n"
            "    return {'added': name}\n"
            "@mod_wsgi.subscribe_events\n"
            "def check(name, *, added, request_data, **event):\n"
            "    assert added == name\n"
            "    request_data[name] = True\n"
            "@mod_wsgi.subscribe_events\n"
            "def broken(name, **event):\n"
            "    raise ValueError('a subscriber')\n"
            "def application(environ, start_response):\n"
            "    path = environ['PATH_INFO']\n"
            "    if path == '/seen':\n"
            "        count = mod_wsgi.process_metrics()['request_count']\n"
            "        found = repr((seen, list(mod_wsgi.active_requests), count))\n"
            "        start_response('200 OK', [])\n"
            "        return [found.encode()]\n"
            "    if path == '/error':\n"
            "        raise KeyError(path)\n"
            "    start_response('404 Not Found', [])\n"
            "    def pieces():\n"
            "        yield repr(sorted(mod_wsgi.request_data())).encode()\n"
            "    return pieces()\n"
        )
        self.assertEqual(worker.get("/pieces").body, b"['request_started', 'response_started']")
        self.assertIsNotNone(worker.get("/error").aborted)
        seen, active, count = self.answer(worker, PATH_INFO="/seen")
        self.assertEqual(
            seen,
            [
                ("request_started", "request-1", None),
                ("response_started", "request-1", "404 Not Found"),
                ("request_finished", "request-1", 404),
                ("request_started", "request-2", None),
                ("request_exception", "request-2", None),
                ("request_finished", "request-2", 0),
                ("request_started", "request-3", None),
            ],
        )
        self.assertEqual((active, count), (["request-3"], 2))
        self.assertIn("a subscriber", worker.output())

    def test_subscribers_of_the_end_and_of_signals_are_called(self):
        worker = self.serve(
            "import mod_wsgi, os\n"
            "def write(name, **event):\n"
            "    path = os.path.join(os.path.dirname(__file__), 'calls')\n"
            "    with open(path, 'a') as file:\n"
            "        why = event.get('signame', event.get('shutdown_reason'))\n"
            "        file.write('%s %s\\n' % (name, why))\n"
            "assert mod_wsgi.subscribe_shutdown(write) is write\n"
            "assert mod_wsgi.subscribe_signals(write) is write\n"
            "if os.fork() == 0:\n"  # a child is no worker
            "    import atexit\n"
            "    atexit._run_exitfuncs()\n"
            "    os._exit(0)\n"
            "os.wait()\n"
            "def application(environ, start_response):\n"
            "    start_response('200 OK', [])\n"
            "    return []\n",
            threads=2,
        )
        path = os.path.join(self.folder, "calls")
        os.kill(worker.process.pid, signal.SIGHUP)
        self.eventually(lambda: os.path.exists(path) and os.path.getsize(path), "the signal")
        self.assertEqual(worker.stop(), 0)
        with open(path) as file:
            want = "process_signal SIGHUP\nprocess_stopping shutdown_signal\n"
            self.assertEqual(file.read(), want)

    def test_records_of_its_log_handler_reach_the_log(self):
        worker = self.serve(
            "import logging, mod_wsgi\n"
            "logging.getLogger('shop').addHandler(mod_wsgi.LogHandler())\n"
            "logging.getLogger('shop').warning('a record')\n" + SHOW
        )
        worker.get()
        self.assertIn("a record", worker.output())

    def test_what_mod_wsgi_has_not_either_is_missing(self):
        worker = self.serve(
            "import mod_wsgi\n"
            "try:\n"
            "    mod_wsgi.request_data()\n"
            "except RuntimeError as error:\n"
            "    found = [str(error), hasattr(mod_wsgi, 'nothing')]\n"
            "    found += [issubclass(mod_wsgi.RequestTimeout, Exception)]\n"
            "def application(environ, start_response):\n"
            "    start_response('200 OK', [])\n"
            "    return [repr(found).encode()]\n"
        )
        self.assertEqual(self.answer(worker), ["no active request for this thread", False, False])
