"""The lifespan of an ASGI app (specification 2.0): its work before its first request and after its
last."""

import asyncio
import sys

from . import message as messages
from .failure import PlacedError, log_found, place_of
from .stacks import awaiting

_ASGI = {"version": "3.0", "spec_version": "2.0"}


class StartupFailed(PlacedError):
    """The app reported that, or did not report that its startup is complete."""


class Lifespan:
    """One call of the app for the whole life of the worker."""

    def __init__(self, app, app_name, mode, control, loop):
        self.state = {}
        self._app = app
        self._mode = mode  # "auto": the app need have none; "on": it must; "off": it is not asked
        self._scope = {
            "type": "lifespan",
            "asgi": _ASGI.copy(),
            "modgw.app": app_name,
            "state": self.state,
        }
        self._control = control
        self._loop = loop
        # whether the app has received lifespan.startup: then it supports it
        self._heard = False
        self._answer = loop.create_future()  # result of the startup: None, or a StartupFailed
        self._stopping = loop.create_future()
        self._stopped = loop.create_future()
        self._task = None

    async def startup(self):
        """Lets the app start; raises the reason if it cannot. An app without lifespan is fine,
        unless it must have one."""
        if self._mode == "off":
            return
        self._task = self._loop.create_task(self._run())
        failed = await asyncio.shield(self._answer)
        if failed is None:
            return
        # Frameworks send the message first, and then let the exception go.
        await asyncio.wait([self._task], timeout=1)
        error = self._task.exception() if self._task.done() and not self._task.cancelled() else None
        raise error or failed

    async def abandon(self):
        """Ends a startup whose result is not needed any more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task], timeout=1)

    def frames(self):
        """The frames of the app in it, the innermost last. Any thread may ask."""
        return awaiting(self._task.get_coro()) if self._task is not None else []

    async def shutdown(self):
        """Lets the app tidy up."""
        if self._task is None or self._task.done():
            return
        if not self._stopping.done():
            self._stopping.set_result(None)
        await asyncio.wait([self._task, self._stopped], return_when=asyncio.FIRST_COMPLETED)
        if not self._task.done():
            await asyncio.wait([self._task], timeout=1)
        if self._task.done() and not self._task.cancelled() and self._task.exception() is not None:
            what, error = "cannot shut the app down", self._task.exception()
            log_found(self._control, what, error, suspects=(self._app,))

    async def _run(self):
        try:
            await self._app(self._scope, self._receive, self._send)
        except BaseException as error:
            if not self._answer.done():
                if not self._heard and self._mode == "auto":
                    # It does not support lifespan, and reports that in its own way.
                    self._answer.set_result(None)
                    return
                self._answer.set_result(
                    StartupFailed("%s: %s" % (type(error).__name__, error), "", 0)
                )
            raise
        if not self._answer.done():
            missing = StartupFailed(
                "the app returned without sending lifespan.startup.complete", "", 0
            )
            self._answer.set_result(None if self._mode == "auto" else missing)

    async def _receive(self):
        if not self._heard:
            self._heard = True
            return {"type": "lifespan.startup"}
        await asyncio.shield(self._stopping)
        return {"type": "lifespan.shutdown"}

    async def _send(self, message):
        kind = messages.kind(message)
        if kind == "lifespan.startup.complete":
            if not self._answer.done():
                self._answer.set_result(None)
        elif kind == "lifespan.startup.failed":
            if not self._answer.done():
                text = (
                    messages.read(message, "message", str, "")
                    or "the app sent lifespan.startup.failed"
                )
                self._answer.set_result(StartupFailed(text, *_caller()))
        elif kind in ("lifespan.shutdown.complete", "lifespan.shutdown.failed"):
            if kind.endswith("failed"):
                self._control.log(
                    "error",
                    "cannot shut the app down: %s" % messages.read(message, "message", str, ""),
                )
            if not self._stopped.done():
                self._stopped.set_result(None)
        else:
            raise RuntimeError("cannot send %s: it is no message of a lifespan" % kind)


def _caller():
    """File and line of the app's code that has called into this module."""
    frame, frames = sys._getframe(1), []
    while frame is not None:
        frames.insert(0, frame)
        frame = frame.f_back
    return place_of(frames)
