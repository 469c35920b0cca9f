"""The event loop of an ASGI app, in a thread of its own: the main thread stays free to obey the host."""

import asyncio
import sys
import threading
import traceback

from .failure import describe
from .lifespan import Lifespan
from .sharedlane import SharedLane

_PROMPT = 0.3  # seconds in which a loop that is not blocked answers


def new_loop():
    """A loop that is the current one of the calling thread, for an app that asks for it while it is imported.

    It is uvloop's when the environment of the app has it.
    """
    try:
        import uvloop

        loop = uvloop.new_event_loop()
    except ImportError:
        loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    return loop


class LoopThread:
    """Runs the app. The methods are for the main thread."""

    def __init__(self, loop, fd, app, start, control):
        self.loop = loop
        self.current = None  # as lanes of WSGI have it
        self.thread = threading.Thread(target=self._run, name="modgw-loop", daemon=True)
        self._app = app
        self._fd = fd
        self._control = control
        scope = {"asgi": {"version": "3.0", "spec_version": "2.5"}, "modgw.app": start["app"]}
        self._scope = scope
        self._lane = None
        self._lifespan = None
        self._begun = threading.Event()
        self._failed = None
        self._ending = None
        self._blocked = False  # whether it was logged that the loop is

    def start(self):
        """Starts the loop and the app's lifespan; raises what keeps the app from starting."""
        self.thread.start()
        self._begun.wait()
        if self._failed is not None:
            raise self._failed

    def stop(self):
        """Lets the app finish its requests and its lifespan."""
        if not self._ending.done():
            self.loop.call_soon_threadsafe(self._end)

    def probe(self):
        """Logs where the loop stands when it is blocked, once for each time."""
        alive = threading.Event()
        self.loop.call_soon_threadsafe(self._respond, alive)
        if alive.wait(_PROMPT) or self._blocked:
            return
        self._blocked = True
        frame = sys._current_frames().get(self.thread.ident)
        if frame is None:
            return
        self._control.log(
            "warning",
            "the event loop is blocked: nothing else is served until this returns; await it, or run it in a thread",
            traceback="".join(traceback.format_stack(frame)),
        )

    def tasks(self):
        """What the tasks of the app stand at, as texts."""
        texts = []
        for task in list(self._lane.tasks)[:50] if self._lane else ():
            lines = ["  File \"%s\", line %d, in %s\n" % (f.f_code.co_filename, f.f_lineno, f.f_code.co_name) for f in task.get_stack()]
            texts.append("task %s:\n%s" % (task.get_coro().__qualname__, "".join(lines)))
        return texts

    def close_in_child(self):
        """Lets go of the connection in a forked child, where it is the parent's to use."""
        if self._lane is not None:
            self._lane.close_in_child()

    def _respond(self, alive):
        self._blocked = False
        alive.set()

    def _end(self):
        if not self._ending.done():
            self._ending.set_result(None)

    def _run(self):
        loop = self.loop
        asyncio.set_event_loop(loop)
        try:
            loop.run_until_complete(self._serve())
            loop.run_until_complete(loop.shutdown_asyncgens())
        except BaseException as error:
            if self._begun.is_set():
                found = describe(error, suspects=(self._app,))
                self._control.log("error", "cannot go on serving requests: " + found.summary(), traceback=found.traceback)
            else:
                self._failed = error
        finally:
            self._begun.set()

    async def _serve(self):
        self._ending = self.loop.create_future()
        lifespan = Lifespan(self._app, self._scope, self._control, self.loop)
        await lifespan.startup()
        self._lane = lane = SharedLane(self._fd, self._app, self._scope, lifespan.state, self._control, self.loop)
        lane.start()
        self._begun.set()
        await self._ending
        await lane.stop()
        await lifespan.shutdown()
