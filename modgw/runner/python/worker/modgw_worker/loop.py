"""The event loop of an ASGI app. It has the main thread, where apps expect it; another thread obeys
the host."""

import asyncio
import os
import socket
import threading

from . import stacks
from .failure import Failure, describe, place_of, source
from .lifespan import Lifespan, StartupFailed
from .muxconn import MuxConn
from .signals import Stopped

_MOST_TASKS = 50  # whose stacks are logged
_MOST_PLACES = 20  # tasks whose positions are reported
_TIDY = 5.0  # seconds that leftovers of a failed startup may take to end
_PROMPT = 0.3  # seconds in which a loop that is not blocked answers


def new_loop():
    """A loop, of uvloop when the environment of the app has it."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


class Loop:
    """Runs the app, in the thread that calls start and serve."""

    def __init__(self, loop, fd, shared, app, start, control):
        self.loop = loop
        self.current = None  # as connections of WSGI have it
        self._ident = None  # of its thread
        self._app = app
        self.socket = socket.socket(fileno=fd)
        self._shared = shared
        self._control = control
        self._app_name = start["app"]
        self._conns = []  # to the host, and to one that is about to replace it
        mode = start.get("lifespan", "auto")
        self._lifespan = Lifespan(app, self._app_name, mode, control, loop)
        self._ending = loop.create_future()
        # seconds that stop gives the requests; None: the host sees to their end
        self.patience = None
        self._blocked = False  # whether it was logged that the loop is

    def start(self):
        """Starts the loop and the app's lifespan; raises the reason if the app cannot start, and
        Stopped after stop."""
        self._ident = threading.get_ident()
        self.loop.run_until_complete(self._begin())

    def serve(self):
        """Serves requests until stop is called."""
        loop = self.loop
        try:
            loop.run_until_complete(self._go_on())
            loop.run_until_complete(_tidy(loop))
            loop.close()
        except BaseException as error:
            found = describe(error, suspects=(self._app,))
            self._control.log(
                "error",
                "cannot go on serving requests: " + found.summary(),
                traceback=found.traceback,
            )
            self.cut_off()

    def stop(self):
        """Lets the app finish its requests and its lifespan. It is for another thread."""
        if not self._ending.done():
            self.loop.call_soon_threadsafe(self._end)

    def poke(self):
        """Makes Python handle signals, which it does before it calls anything. For another thread.
        """
        self.loop.call_soon_threadsafe(int)

    def standstill(self):
        """A Failure with the place where the startup of the lifespan waits, or without one if it
        has not begun. For another thread."""
        frames = stacks.running(self._ident)
        if not place_of(frames)[0]:
            frames = self._lifespan.frames()
        file, line = place_of(frames)
        error = StartupFailed("the startup of its lifespan has not completed", file, line)
        return Failure(error, file, line, source(file, line), stacks.text_of(frames))

    def probe(self):
        """Logs the position of the loop if it is blocked, once for each time. For another thread.
        """
        alive = threading.Event()
        self.loop.call_soon_threadsafe(self._respond, alive)
        if alive.wait(_PROMPT) or self._blocked:
            return
        self._blocked = True
        self._control.log(
            "warning",
            "the event loop is blocked: nothing else is served until this returns; await it, or "
            "run it in a thread",
            traceback=stacks.text_of(stacks.running(self._ident)),
        )

    def tasks(self):
        """The positions of the app's tasks, as texts."""
        tasks = [pair for conn in self._conns for pair in list(conn.tasks.items())]
        texts = []
        for task, exchange in tasks[:_MOST_TASKS]:
            request = exchange.scope.get("modgw.request_id", "without id")
            texts.append(
                "task serving %s, request %s:\n%s"
                % (exchange.title(), request, stacks.text_of(stacks.awaiting(task.get_coro())))
            )
        if len(tasks) > _MOST_TASKS:
            texts.append("and %d more tasks" % (len(tasks) - _MOST_TASKS))
        return texts

    def places(self, now):
        """Where the requests are, or the one that blocks the loop; for another thread."""
        conns = list(self._conns)
        blocked = max((conn.blocked(now) for conn in conns), default=0)
        if blocked > _PROMPT:
            return [stacks.place(stacks.running(self._ident), "", blocked, blocks=True)]
        found = []
        tasks = [pair for conn in conns for pair in list(conn.tasks.items())]
        for task, exchange in tasks[:_MOST_PLACES]:
            request = exchange.scope.get("modgw.request_id", "")
            frames = stacks.awaiting(task.get_coro())
            found.append(stacks.place(frames, request, now - exchange.begun))
        return found

    def cut_off(self):
        """Ends the connection, so that the host replaces this worker and no request waits for it.
        Any thread may call it."""
        for connection in self._sockets():
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # The host has ended it already.

    def close_in_child(self):
        """Lets go of the connections in a forked child, where they are the parent's to use."""
        for connection in self._sockets():
            if connection.fileno() >= 0:
                os.close(connection.detach())
        for conn in self._conns:
            conn.shared = None

    def join(self, fd, shared, control, joined):
        """Serves another host too, and calls joined when its requests can come. It is for another
        thread."""
        connection = socket.socket(fileno=fd)
        self.loop.call_soon_threadsafe(self._join, connection, shared, control, joined)

    def leave(self):
        """Lets go of the hosts that have gone. It is for another thread."""
        self.loop.call_soon_threadsafe(self._leave)

    def _join(self, connection, shared, control, joined):
        conn = self._connect(connection, shared, control)
        conn.start()
        joined()

    def _leave(self):
        for conn in [conn for conn in self._conns if conn.lost and not conn.tasks]:
            self._conns.remove(conn)
            conn.socket.close()

    def _sockets(self):
        return [conn.socket for conn in self._conns] or [self.socket]

    def _connect(self, connection, shared, control):
        conn = MuxConn(
            connection,
            shared,
            self._app,
            self._app_name,
            self._lifespan.state,
            control,
            self.loop,
        )
        self._conns.append(conn)
        return conn

    def _respond(self, alive):
        self._blocked = False
        alive.set()

    def _end(self):
        if not self._ending.done():
            self._ending.set_result(None)

    async def _begin(self):
        startup = self.loop.create_task(self._lifespan.startup())
        await asyncio.wait([startup, self._ending], return_when=asyncio.FIRST_COMPLETED)
        if not startup.done():
            startup.cancel()
            await self._lifespan.abandon()
            raise Stopped(0)
        await startup
        self._connect(self.socket, self._shared, self._control)

    async def _go_on(self):
        self._conns[0].start()
        await self._ending
        await asyncio.gather(*(conn.stop(self.patience) for conn in self._conns))
        await self._lifespan.shutdown()


class LoopThread(Loop):
    """A loop with its own thread, in a process whose main thread is the developer's."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.thread = threading.Thread(target=self._run, name="modgw-loop", daemon=True)
        self._begun = threading.Event()
        self._failed = None

    def start(self):
        self.thread.start()
        self._begun.wait()
        if self._failed is not None:
            self.thread.join(_TIDY)
            raise self._failed

    def _run(self):
        asyncio.set_event_loop(self.loop)
        try:
            super().start()
        except BaseException as error:
            self._failed = error
        self._begun.set()
        if self._failed is None:
            self.serve()
            return
        self.loop.run_until_complete(_tidy(self.loop))
        self.loop.close()


async def _tidy(loop):
    """Ends the tasks that the app has left running, as asyncio.run does."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    await loop.shutdown_asyncgens()
    if hasattr(loop, "shutdown_default_executor"):
        await loop.shutdown_default_executor()
