"""The common part of a request and a WebSocket of an ASGI app."""

import asyncio

from . import wire
from .failure import is_due_to, log_failed

_unpack_size = wire.SIZE.unpack_from


class ClientDisconnected(OSError):
    """The request is over for the host: its client has gone, or its time is up."""


class BaseExchange:
    """One call of the app, and the interface for the connection's frames of its stream."""

    __slots__ = (
        "conn",
        "stream",
        "scope",
        "task",
        "begun",
        "cancelled",
        "ended",
        "window",
        "reserve",
        "_unreported",
        "_waiting",
        "_wanting",
    )

    def __init__(self, conn, stream, scope):
        self.conn = conn
        self.stream = stream
        self.scope = scope
        self.task = None
        self.begun = 0.0  # when the task was made
        self.cancelled = None  # the reason, once the host has given the request up
        self.ended = False  # whether the last frame to the host was made
        self.window = wire.INITIAL_WINDOW  # bytes that may be sent
        self.reserve = 0  # of them, those that frames must leave to pieces in shared memory
        self._unreported = 0  # bytes that were received and not reported to the host
        self._waiting = None  # future for those who wait for something to receive
        self._wanting = None  # future for those who wait until the window opens

    async def run(self):
        """Calls the app."""
        try:
            await self.conn.app(self.scope, self.receive, self.send)
            self.conclude()
        except BaseException as error:
            self.fail(error)
            if isinstance(error, (KeyboardInterrupt, GeneratorExit)):
                raise

    def handle_frame(self, kind, flags, payload):
        """Takes a frame that the host sent for this stream."""
        if kind == wire.WINDOW:
            self.window += _unpack_size(payload)[0]
            _wake(self, "_wanting")
        elif kind == wire.CANCEL:
            self.cancel(payload.decode("utf-8", "replace") or "cancelled", flags & wire.END)

    def cancel(self, reason, over):
        """Takes note that the host has given the request up; with over the app is not to go on with
        it."""
        if self.cancelled is None:
            self.cancelled = reason
        if over and self.task is not None:
            self.task.cancel()
        self._notify()
        self._stop_waiting()

    def hang_up(self):
        """Ends an exchange that does not end by itself."""

    def title(self):
        """The request as a log shows it; without the query, which may hold secrets."""
        return "%s %s" % (self.scope.get("method", "WebSocket"), self.scope.get("path", ""))

    def fail(self, error):
        """Logs an exception that the app did not catch, and ends the stream."""
        if self.cancelled is not None and is_due_to(
            error, (ClientDisconnected, asyncio.CancelledError)
        ):
            self.abort(self.cancelled)
            return
        request = self.scope.get("modgw.request_id", "")
        trace = dict(self.scope["headers"]).get(b"traceparent", b"").decode("latin-1")
        self.abort(log_failed(self, error, (self.conn.app,), request, trace))
        if isinstance(error, SystemExit):
            self.conn.control.retire("the app called sys.exit in a request")

    def abort(self, reason):
        """Ends the stream without a complete response, unless it has ended."""
        self.conn.forget(self.stream)
        if not self.ended:
            self.ended = True
            self.conn.put(wire.abort(self.stream, reason))

    async def _news(self):
        """Waits until there is something to receive."""
        if self._waiting is None:
            self._waiting = self.conn.loop.create_future()
        await asyncio.shield(self._waiting)

    def _stop_waiting(self):
        _wake(self, "_wanting")

    def _notify(self):
        _wake(self, "_waiting")

    async def _room(self, size, reserve=0):
        """Waits for size bytes of the window, in addition to the reserve, and uses them; raises
        when the request is over."""
        while self.window < size + reserve:
            if self.cancelled is not None:
                raise ClientDisconnected(self.cancelled)
            if self._wanting is None:
                self._wanting = self.conn.loop.create_future()
            await asyncio.shield(self._wanting)
        if self.cancelled is not None:
            raise ClientDisconnected(self.cancelled)
        self.window -= size

    def _tell_received(self, rest=0):
        """Reports the received bytes to the host, except for rest bytes."""
        size, self._unreported = self._unreported - rest, rest
        self.conn.put(wire.frame(wire.WINDOW, self.stream, wire.SIZE.pack(size)))

    def _event(self, value, flags=0):
        return wire.frame(wire.EVENT, self.stream, wire.dumps(value), flags)


def _wake(exchange, which):
    future = getattr(exchange, which)
    if future is not None:
        setattr(exchange, which, None)
        if not future.done():
            future.set_result(None)
