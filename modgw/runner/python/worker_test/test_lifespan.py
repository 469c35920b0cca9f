"""The lifespan of an ASGI app."""

import textwrap
import time
import unittest

from asgihost import ASGITestCase
from fakehost import BODY, DUMP, PATIENCE, RESPONSE, STOP


class Lifespan(ASGITestCase):
    HANDLED = """
    async def lifespan(scope, receive, send):
        assert (await receive())["type"] == "lifespan.startup"
        scope["state"]["items"] = ["shared"]
        scope["state"]["name"] = "begun"
        await send({"type": "lifespan.startup.complete"})
        assert (await receive())["type"] == "lifespan.shutdown"
        await asyncio.sleep(0.05)
        print("shut down")
        await send({"type": "lifespan.shutdown.complete"})
    async def http(scope, receive, send):
        state = scope["state"]
        state["items"].append(scope["path"])
        await answer(send, repr((state["name"], state["items"])).encode())
        state["name"] = "changed"
    """

    def test_its_state_is_copied_for_each_request(self):
        worker = self.serve(self.HANDLED)
        self.assertEqual(worker.fetch("/a").body, b"('begun', ['shared', '/a'])")
        self.assertEqual(worker.fetch("/b").body, b"('begun', ['shared', '/a', '/b'])")

    def test_stop_lets_the_app_shut_down(self):
        worker = self.serve(self.HANDLED)
        self.assertEqual(worker.stop(), 0)
        self.assertEqual(worker.output(), "shut down\n")

    def test_an_app_may_know_nothing_of_it(self):
        for source in (
            "async def lifespan(scope, receive, send): raise ValueError('not me')",
            "async def lifespan(scope, receive, send): assert scope['type'] == 'http'",
            "async def lifespan(scope, receive, send): return",
        ):
            worker = self.serve(source)
            self.assertEqual(worker.fetch().body, b"up")
            self.assertEqual(worker.logs, [])

    def test_a_startup_that_raises_fails_the_worker_with_its_place(self):
        for source in (
            "async def lifespan(scope, receive, send):\n    await receive()\n"
            "    raise OSError('no database')\n",
            "async def lifespan(scope, receive, send):\n    await receive()\n    try:\n"
            "        raise OSError('no database')\n"
            "    except OSError as error:\n"
            "        await send({'type': 'lifespan.startup.failed', 'message': 'x'})\n"
            "        raise\n",
        ):
            worker = self.worker(self.write("app.py", self._app(source)))
            fields = worker.failed()
            self.assertEqual(
                (fields["reason"], fields["type"], fields["message"]),
                ("startup", "OSError", "no database"),
            )
            self.assertTrue(
                fields["file"].endswith("app.py") and "no database" in fields["text"], fields
            )

    def test_a_startup_that_the_app_calls_failed(self):
        worker = self.worker(
            self.write(
                "app.py",
                self._app(
                    "async def lifespan(scope, receive, send):\n    await receive()\n"
                    "    await send({'type': 'lifespan.startup.failed', 'message': 'no "
                    "database'})\n"
                ),
            )
        )
        fields = worker.failed()
        self.assertEqual((fields["reason"], fields["message"]), ("startup", "no database"))
        self.assertTrue(
            fields["file"].endswith("app.py") and "startup.failed" in fields["text"], fields
        )

    def start(self, source, mode="auto", **options):
        path = self.write("app.py", self._app(textwrap.dedent(source)))
        worker = self.worker(path, start=False, **options)
        worker.start_message["lifespan"] = mode
        worker.start()
        return worker

    def test_it_may_be_demanded(self):
        for source, want in (
            ("async def lifespan(scope, receive, send): raise ValueError('not me')", "not me"),
            (
                "async def lifespan(scope, receive, send): return",
                "returned without sending lifespan.startup.complete",
            ),
            (
                "async def lifespan(scope, receive, send):\n    await receive()\n",
                "without sending lifespan.startup.complete",
            ),
        ):
            fields = self.start(source, "on").failed()
            self.assertEqual(fields["reason"], "startup")
            self.assertIn(want, fields["message"])
        worker = self.start(self.HANDLED, "on")
        worker.ready()
        self.assertEqual(worker.fetch("/a").body, b"('begun', ['shared', '/a'])")

    def test_it_may_be_left_out(self):
        worker = self.start(
            "async def lifespan(scope, receive, send):\n    print('called')\n"
            "    await receive()\n    1 / 0\n",
            "off",
        )
        worker.ready()
        self.assertEqual(worker.fetch().body, b"up")
        self.assertEqual(worker.stop(), 0)
        self.assertEqual(worker.output(), "")

    HANGS = {
        "an event": "    await asyncio.Event().wait()  # here\n",
        "a function": (
            "    await connect()\nasync def connect():\n    await asyncio.sleep(1000)  # here\n"
        ),
        "a task": (
            "    await asyncio.wait_for(connect(), 1000)  # here\nasync def connect():\n"
            "    await asyncio.sleep(1000)  # here\n"
        ),
        "a context": (
            "    async with context():\n        pass\nimport contextlib\n"
            "@contextlib.asynccontextmanager\n"
            "async def context():\n    await asyncio.sleep(1000)  # here\n    yield\n"
        ),
        "a blocked loop": (
            "    import time\n    print('blocked', flush=True)\n    time.sleep(1000)  # here\n"
        ),
    }

    def test_a_startup_that_hangs_is_told_with_its_place(self):
        for case, rest in self.HANGS.items():
            with self.subTest(case):
                source = (
                    "async def lifespan(scope, receive, send):\n    await receive()\n"
                    "    print('begun', flush=True)\n"
                    + rest
                )
                worker = self.start(source)
                self.eventually(
                    lambda: ("blocked" if "blocked" in rest else "begun") in worker.output(),
                    "the startup",
                )
                time.sleep(0.1)  # until it has reached its place
                worker.control.send(DUMP, payload=b"it took too long")
                fields = worker.failed()
                self.assertEqual(fields["reason"], "startup late")
                self.assertIn("# here", fields["text"])
                self.assertIn("# here", fields["traceback"])

    def test_a_startup_may_be_late_before_it_has_begun(self):
        for _ in range(5):
            worker = self.start("async def lifespan(*_): await asyncio.Event().wait()")
            worker.control.send(DUMP, payload=b"the import took all the time")
            self.assertEqual(worker.failed()["reason"], "startup late")

    def test_stop_ends_a_startup_that_hangs(self):
        for end in (
            lambda worker: worker.control.send(STOP),
            lambda worker: worker.process.terminate(),
        ):
            worker = self.start(
                "async def lifespan(scope, receive, send):\n    await receive()\n"
                "    print('begun', flush=True)\n"
                "    await asyncio.Event().wait()\n"
            )
            self.eventually(lambda: "begun" in worker.output(), "the startup")
            end(worker)
            self.assertEqual(worker.process.wait(PATIENCE), 0)
            self.assertEqual(worker.output(), "begun\n")

    def test_a_shutdown_that_raises_is_logged(self):
        worker = self.serve(
            """
            async def lifespan(scope, receive, send):
                await receive()
                await send({"type": "lifespan.startup.complete"})
                await receive()
                raise ValueError("stuck")
            """
        )
        worker.control.send(12)
        self.assertIn("cannot shut the app down: ValueError: stuck", worker.log()["message"])
        self.assertEqual(worker.process.wait(PATIENCE), 0)

    def test_it_has_the_main_thread(self):
        worker = self.serve("""
            import threading
            async def http(scope, receive, send):
                in_main = threading.current_thread() is threading.main_thread()
                await answer(send, repr(in_main).encode())
            """)
        self.assertEqual(worker.fetch().body, b"True")

    def test_an_app_may_handle_signals_but_not_those_of_the_host(self):
        worker = self.serve(
            """
            import os, signal
            heard = None
            async def lifespan(scope, receive, send):
                global heard
                await receive()
                heard = asyncio.Event()
                loop = asyncio.get_running_loop()
                loop.add_signal_handler(signal.SIGUSR1, heard.set)
                loop.add_signal_handler(signal.SIGTERM, lambda: print("a handler of SIGTERM"))
                signal.signal(signal.SIGINT, lambda *_: print("a handler of SIGINT"))
                await send({"type": "lifespan.startup.complete"})
                await receive()
                print("shut down")
                await send({"type": "lifespan.shutdown.complete"})
            async def http(scope, receive, send):
                os.kill(os.getpid(), signal.SIGINT)
                os.kill(os.getpid(), signal.SIGUSR1)
                await heard.wait()
                await answer(send, b"heard")
            """
        )
        self.assertEqual(worker.fetch().body, b"heard")
        self.assertEqual(len(worker.logs), 1)
        self.assertIn(
            "cannot let the app handle SIGTERM and SIGINT: the host owns", worker.logs[0]["message"]
        )
        worker.process.terminate()
        self.assertEqual(worker.process.wait(PATIENCE), 0)
        self.assertEqual(worker.output(), "shut down\n")

    def test_sigterm_ends_a_worker_whose_loop_waits(self):
        worker = self.serve("")
        self.assertEqual(worker.fetch().body, b"up")
        worker.process.terminate()
        self.assertEqual(worker.process.wait(PATIENCE), 0)

    def test_a_second_sigterm_ends_a_worker_whose_loop_is_blocked(self):
        worker = self.serve(
            """
            import time
            async def http(scope, receive, send):
                await start(send)
                await body(send, b"blocked", True)
                await asyncio.sleep(0.05)
                time.sleep(1000)
            """
        )
        stream = worker.open()
        self.assertEqual(
            worker.next(stream, RESPONSE, BODY).body() or worker.next(stream, BODY).body(),
            b"blocked",
        )
        while worker.process.poll() is None:
            worker.process.terminate()
            time.sleep(0.01)
        self.assertEqual(worker.process.wait(PATIENCE), 0)

    def _app(self, source):
        from asgihost import APP

        return APP + source


if __name__ == "__main__":
    unittest.main()
