"""The worker as a process: signals, the end of the host, forks, streams, and stacks on demand."""

import os
import signal
import sys
import unittest

import fakehost
from fakehost import DUMP, STOP, WorkerTestCase

HELLO = """
def application(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
"""

GATED = """
import atexit, os, time

def application(environ, start_response):
    open("begun", "w").close()
    with open("gate") as gate:  # a FIFO: waits for the test
        gate.read()
    start_response("200 OK", [])
    return [b"done"]

@atexit.register
def leave():
    open("left", "w").close()
"""


class ProcessTestCase(WorkerTestCase):
    def path(self, name):
        return os.path.join(self.folder, name)

    def wait_for(self, name):
        self.eventually(lambda: os.path.exists(self.path(name)), name)

    def open_gate(self):
        with open(self.path("gate"), "w"):
            pass

    def serve_gated(self, **options):
        os.mkfifo(self.path("gate"))
        return self.serve(GATED, **options)


class Stopping(ProcessTestCase):
    def test_stop_waits_for_the_request_in_flight_and_runs_exit_handlers(self):
        worker = self.serve_gated(threads=2)
        stream = worker.begin()
        self.wait_for("begun")
        worker.control.send(STOP)
        self.assertTrue(worker.control.quiet())
        self.open_gate()
        self.assertEqual(worker.finish(stream).body, b"done")
        self.assertEqual(worker.process.wait(fakehost.PATIENCE), 0)
        self.assertTrue(os.path.exists(self.path("left")))

    def test_stop_answers_what_the_connection_holds_already(self):
        worker = self.serve_gated()
        streams = [worker.begin() for _ in range(3)]
        self.wait_for("begun")
        worker.control.send(STOP)
        for stream in streams:
            self.open_gate()
            self.assertEqual(worker.finish(stream).body, b"done")
        self.assertEqual(worker.process.wait(fakehost.PATIENCE), 0)

    def test_a_request_in_flight_goes_on_reading_its_body_after_stop(self):
        worker = self.serve(
            """
            def application(environ, start_response):
                first = environ["wsgi.input"].read(1)
                open("begun", "w").close()
                data = environ["wsgi.input"].read()
                start_response("200 OK", [])
                return [first + data]
            """
        )
        stream = worker.begin("POST", "/", b"a", end=False)
        self.wait_for("begun")
        worker.control.send(STOP)
        self.assertTrue(worker.control.quiet())
        worker.conns[0].send(fakehost.BODY, stream, b"b", fakehost.END)
        self.assertEqual(worker.finish(stream).body, b"ab")
        self.assertEqual(worker.process.wait(fakehost.PATIENCE), 0)

    def test_sigterm_is_stop(self):
        worker = self.serve_gated()
        stream = worker.begin()
        self.wait_for("begun")
        worker.process.terminate()
        self.assertTrue(worker.control.quiet())
        self.open_gate()
        self.assertEqual(worker.finish(stream).body, b"done")
        self.assertEqual(worker.process.wait(fakehost.PATIENCE), 0)
        self.assertTrue(os.path.exists(self.path("left")))

    def test_a_second_sigterm_ends_at_once(self):
        worker = self.serve_gated()
        worker.begin()
        self.wait_for("begun")
        worker.process.terminate()
        self.eventually(
            lambda: worker.process.poll() is not None or worker.process.terminate(), "the end"
        )
        self.assertEqual(worker.process.returncode, 0)
        self.assertFalse(os.path.exists(self.path("left")))

    def test_sigterm_while_loading(self):
        os.mkfifo(self.path("gate"))
        worker = self.worker(
            self.write("app.wsgi", "open('begun', 'w').close()\nopen('gate').read()\n")
        )
        self.wait_for("begun")
        worker.process.terminate()
        self.assertEqual(worker.process.wait(fakehost.PATIENCE), 0)

    def test_sigint_is_ignored_but_not_by_programs_that_the_app_starts(self):
        worker = self.serve("""
            import subprocess, sys

            def application(environ, start_response):
                code = (
                    "import signal; "
                    "print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
                )
                start_response("200 OK", [])
                return [subprocess.check_output([sys.executable, "-c", code])]
            """)
        worker.process.send_signal(signal.SIGINT)
        self.assertEqual(worker.get().body, b"True\n")

    def test_an_app_that_replaces_sigterm_is_overruled_with_a_warning(self):
        worker = self.serve(
            "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + HELLO
        )
        self.assertEqual(worker.logs[0]["level"], "warning")
        self.assertIn("cannot let the app handle SIGTERM", worker.logs[0]["message"])
        worker.process.terminate()
        self.assertEqual(worker.process.wait(fakehost.PATIENCE), 0)

    def test_threads_that_are_no_daemons_are_waited_for(self):
        worker = self.serve(
            "import threading, time\n"
            "threading.Thread(target=lambda: (time.sleep(0.2), open('late', "
            "'w').close())).start()\n"
            + HELLO
        )
        self.assertEqual(worker.stop(), 0)
        self.assertTrue(os.path.exists(self.path("late")))


class WithoutHost(ProcessTestCase):
    def test_the_end_of_the_control_connection_is_stop(self):
        worker = self.serve_gated()
        worker.control.close()
        self.assertEqual(worker.process.wait(fakehost.PATIENCE), 0)
        self.assertTrue(os.path.exists(self.path("left")))

    def test_the_lifeline_ends_the_whole_group_even_while_nothing_gives_the_interpreter_back(self):
        worker = self.serve(
            """
            import subprocess, sys

            code = "import time; print('up', flush=True); time.sleep(1000)"
            child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
            child.stdout.readline()
            with open("child", "w") as file:
                file.write(str(child.pid))

            def application(environ, start_response):
                open("begun", "w").close()
                import ctypes
                ctypes.PyDLL(None).sleep(1000)  # holds the GIL
            """,
            own_interpreter=True,
        )
        worker.begin()
        self.wait_for("begun")
        os.close(worker.lifeline)
        worker.lifeline = None
        self.assertEqual(worker.process.wait(fakehost.PATIENCE), -signal.SIGIO)
        with open(self.path("child")) as file:
            child = int(file.read())
        self.eventually(lambda: not _alive(child), "the end of the worker's child")

    def test_a_host_that_died_before_the_worker_began(self):
        worker = self.worker(self.write("app.wsgi", HELLO), start=False, own_interpreter=True)
        os.close(worker.lifeline)
        worker.lifeline = None
        self.assertEqual(worker.process.wait(fakehost.PATIENCE), -signal.SIGIO)

    def test_the_lifeline_is_quiet_while_the_host_lives(self):
        worker = self.serve(HELLO, threads=2, own_interpreter=True)
        for _ in range(100):
            worker.get()
            worker.get(conn=1)
        self.assertEqual(worker.stop(), 0)

    def test_a_connection_that_the_host_closes_ends_alone(self):
        worker = self.serve(HELLO, threads=2)
        worker.conns[0].close()
        self.assertEqual(worker.get(conn=1).body, b"hello")
        self.assertEqual(worker.stop(), 0)


class Children(ProcessTestCase):
    def test_a_forked_child_never_answers(self):
        worker = self.serve(
            """
            import os

            def application(environ, start_response):
                child = os.fork()
                if child:
                    os.waitpid(child, 0)
                start_response("200 OK", [])
                return [b"parent" if child else b"child"]
            """
        )
        for _ in range(5):
            self.assertEqual(worker.get().body, b"parent")
        self.assertTrue(worker.conns[0].quiet())

    def test_a_forked_child_ends_by_sigterm(self):
        worker = self.serve(
            """
            import os, signal, time

            def application(environ, start_response):
                child = os.fork()
                if not child:
                    time.sleep(1000)
                os.kill(child, signal.SIGTERM)
                _, status = os.waitpid(child, 0)
                start_response("200 OK", [])
                return [b"%d" % os.WTERMSIG(status)]
            """
        )
        self.assertEqual(worker.get().body, b"15")

    def test_programs_inherit_no_connections(self):
        worker = self.serve(
            """
            import os, subprocess, sys

            def application(environ, start_response):
                code = "import os; print(sorted(int(fd) for fd in os.listdir('/proc/self/fd')))"
                start_response("200 OK", [])
                return [subprocess.check_output([sys.executable, "-c", code], close_fds=False)]
            """,
            threads=3,
            own_interpreter=True,
        )
        fds = eval(worker.get().body)
        self.assertLessEqual(len(fds), 4, fds)  # the three standard ones, and that of the listing

    def test_multiprocessing_works_in_every_way(self):
        self.write("work.py", "def double(n):\n    return n * 2\n")
        for method in ("fork", "spawn", "forkserver"):
            with self.subTest(method):
                worker = self.serve(
                    """
                    import multiprocessing, work

                    def application(environ, start_response):
                        with multiprocessing.get_context("%s").Pool(1) as pool:
                            result = pool.map(work.double, [1, 2, 3])
                        start_response("200 OK", [])
                        return [repr(result).encode()]
                    """
                    % method,
                    own_interpreter=True,
                )
                self.assertEqual(worker.get().body, b"[2, 4, 6]")
                self.assertEqual(worker.stop(), 0)


class Streams(ProcessTestCase):
    own_interpreter = True

    def test_output_is_utf_8_line_by_line_whatever_the_locale(self):
        worker = self.serve(
            """
            import sys
            print("gr\\u00fc\\u00df \\ud800")
            print("half", end="")

            def application(environ, start_response):
                print(" whole", file=sys.stdout)
                print("error", file=sys.stderr)
                start_response("200 OK", [])
                return [b""]
            """,
            env={
                "LC_ALL": "C",
                "PYTHONUTF8": "0",
                "PYTHONCOERCECLOCALE": "0",
                "PYTHONIOENCODING": "",
                "PYTHONUNBUFFERED": "",
            },
        )
        self.assertEqual(worker.output(), "gr\u00fc\u00df \\ud800\n")
        worker.get()
        self.assertEqual(worker.output(), "gr\u00fc\u00df \\ud800\nhalf whole\nerror\n")

    def test_an_app_may_close_or_replace_its_streams(self):
        for deed in (
            "sys.stderr.close(); sys.stdout.close()",
            "sys.stderr = sys.stdout = None",
            "os.close(1); os.close(2)",
            "sys.stderr = object()",
        ):
            with self.subTest(deed):
                worker = self.serve(
                    "import os, sys\n%s\n" % deed
                    + HELLO.replace(
                        "start_response(",
                        'environ["wsgi.errors"].write("still here\\n"); start_response(',
                    )
                )
                self.assertEqual(worker.get().body, b"hello")
                self.assertIn("still here\n", worker.output())
                # 120: Python could not flush a file that the app had closed
                self.assertIn(worker.stop(), (0, 120))

    def test_an_app_that_closes_wsgi_errors_harms_nobody(self):
        worker = self.serve(
            HELLO.replace(
                "start_response(",
                'environ["wsgi.errors"].write("x\\n'
                '"); environ["wsgi.errors"].close(); start_response(',
            )
        )
        worker.get()
        worker.get()
        self.assertEqual(worker.output(), "x\nx\n")

    def test_a_crash_prints_all_stacks(self):
        worker = self.serve_gated()
        worker.begin()
        self.wait_for("begun")
        worker.process.send_signal(signal.SIGABRT)
        self.assertEqual(worker.process.wait(fakehost.PATIENCE), -signal.SIGABRT)
        self.assertIn("Fatal Python error: Aborted", worker.output())
        if sys.implementation.name == "cpython":  # PyPy prints the main thread alone
            self.assertIn("app.wsgi", worker.output())


class Dumping(ProcessTestCase):
    def test_dump_logs_all_stacks_with_the_requests_they_serve(self):
        worker = self.serve_gated(threads=2)
        stream = worker.begin("POST", "/slow?secret=1", SCRIPT_NAME="/shop", conn=1)
        self.wait_for("begun")
        record = {"traceback": ""}
        while 'with open("gate") as gate' not in record["traceback"]:  # which comes after begun
            worker.control.send(DUMP, payload=b"request took too long")
            record = worker.log()
        self.assertEqual(record["level"], "warning")
        self.assertEqual(record["message"], "stacks of all threads: request took too long")
        text = record["traceback"]
        self.assertIn("thread modgw-thread-2, serving POST /shop/slow, request request-1:", text)
        self.assertIn("app.wsgi", text)
        self.assertIn("thread modgw-thread-1:", text)
        self.assertIn("thread MainThread:", text)
        self.assertNotIn("secret", text)
        self.open_gate()
        self.assertEqual(worker.finish(stream, conn=1).body, b"done")


def _alive(pid):
    try:
        with open("/proc/%d/stat" % pid) as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


if __name__ == "__main__":
    unittest.main()
