"""The connection on which all requests of an ASGI app are, in one event loop."""

import asyncio
import collections
import os
import sys
from time import perf_counter

from . import wire
from .pauses import LagWatch
from .http import Exchange
from .websocket import WebSocket

_HEADER_SIZE = wire.HEADER.size
_unpack_header = wire.HEADER.unpack_from
_unpack_size = wire.SIZE.unpack_from
_REQUEST, _WINDOW = wire.REQUEST, wire.WINDOW

_RECEIVE = 128 << 10  # bytes asked of one recv
_HOLD_SECONDS = 0.001  # an answer waits no longer than this for others, while the loop goes on
_EAGER = sys.version_info >= (3, 12) and sys.implementation.name == "cpython"


_ASGI = {"version": "3.0", "spec_version": "2.5"}


class MuxConn:
    """Belongs to the thread of its loop."""

    def __init__(self, connection, shared, app, app_name, state, control, loop):
        self.shared = shared  # that large responses pass through; None: there is none
        self.app = app
        self.app_name = app_name
        self.state = state  # of the lifespan; every scope has a copy
        self.control = control
        self.loop = loop
        self.tasks = {}  # to their requests; includes work after the response
        self._lag = LagWatch(loop.call_later, self.tasks)
        self.socket = connection
        self.socket.setblocking(False)
        self._streams = {}
        self._buffer = b""
        self._out = []  # frames that wait for the end of the batch
        self._flushing = False  # whether _flush will be called
        self._held_since = 0.0
        # pairs (bytes, file descriptor or None) that the socket had no room for
        self._backlog = collections.deque()
        self._drained = None  # future for those who wait until the backlog is gone
        self.lost = False  # whether the host has gone, or wants this worker no more
        self._stopped = None  # future for the end of all tasks, once the connection is to stop

    def start(self):
        self.loop.add_reader(self.socket.fileno(), self._readable)

    async def stop(self, patience=None):
        """Accepts no more requests and waits for the end of the current ones.

        With patience it closes the WebSockets, and cancels the rest after that many seconds: the
        host does neither then."""
        self._stopped = self.loop.create_future()
        if patience is not None:
            for exchange in list(self._streams.values()):
                exchange.hang_up()
        if self.tasks:
            await asyncio.wait([self._stopped], timeout=patience)
        for exchange in list(self.tasks.values()):
            exchange.cancel("the worker ends", over=True)
        if self.tasks:
            await asyncio.wait(self.tasks, timeout=patience)
        while self._out or self._backlog:
            self._flush()
            if self._backlog:
                await self.drained()
        if self.socket.fileno() >= 0:
            self.loop.remove_reader(self.socket.fileno())

    def put(self, frame):
        """Sends a frame, at the end of the batch."""
        out = self._out
        out.append(frame)
        if not self._flushing:
            self._flushing = True
            self._held_since = perf_counter()
            self.loop.call_soon(self._flush)
        elif perf_counter() - self._held_since > _HOLD_SECONDS:
            self._send_out()

    def put_descriptor(self, frame, fd):
        """Sends a frame and with its first byte a file descriptor, which is closed then."""
        self._send_out()
        self._backlog.append((frame, fd))
        if len(self._backlog) == 1:
            self._send_backlog()

    def congested(self):
        """Whether the host reads more slowly than the app writes."""
        return bool(self._backlog)

    async def drained(self):
        """Waits until the host has accepted the waiting bytes."""
        if self._backlog:
            if self._drained is None:
                self._drained = self.loop.create_future()
            await asyncio.shield(self._drained)

    def blocked(self, now):
        """For how many seconds the loop does not go on, as far as is known; for another thread."""
        return self._lag.blocked(now)

    def forget(self, stream):
        """Takes note that a stream was closed."""
        self._streams.pop(stream, None)

    def _readable(self):
        try:
            data = self.socket.recv(_RECEIVE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            self._lose()
            return
        self._lag.note()
        if self._buffer:
            data = self._buffer + data
        held = self._flushing
        if not held:
            self._flushing = True  # Answers during this batch are sent at its end.
            self._held_since = perf_counter()
        try:
            self._deliver_frames(data)
        finally:
            if not held:
                if _EAGER:
                    self._flush()
                else:
                    self.loop.call_soon(self._flush)  # after the first steps of the tasks

    def _deliver_frames(self, data):
        """Gives all complete frames to the requests that they belong to."""
        position, size = 0, len(data)
        streams = self._streams
        while size - position >= _HEADER_SIZE:
            length, stream, kind, flags, _ = _unpack_header(data, position)
            start = position + _HEADER_SIZE
            end = start + length
            if end > size:
                break
            position = end
            if kind == _REQUEST:
                self._begin(stream, flags, data, start, end)
                continue
            if kind == _WINDOW and self.shared is not None:
                self.shared.release(stream, _unpack_size(data, start)[0])
            exchange = streams.get(stream)
            if exchange is not None:
                exchange.handle_frame(kind, flags, data[start:end])
        self._buffer = data[position:] if position < size else b""

    def _begin(self, stream, flags, data, start, end):
        start += 4
        body = start + _unpack_size(data, start - 4)[0]
        scope = wire.loads(data[start:body])
        scope["asgi"] = _ASGI.copy()
        scope["modgw.app"] = self.app_name
        scope["state"] = self.state.copy()
        make = Exchange if scope["type"] == "http" else WebSocket
        exchange = self._streams[stream] = make(
            self, stream, scope, data[body:end], flags & wire.END
        )
        if _EAGER:
            task = asyncio.Task(exchange.run(), loop=self.loop, eager_start=True)
            if task.done():
                return
        else:
            task = self.loop.create_task(exchange.run())
        exchange.task = task
        exchange.begun = perf_counter()
        self.tasks[task] = exchange
        task.add_done_callback(self._done)

    def _done(self, task):
        del self.tasks[task]
        if self._stopped is not None and not self.tasks and not self._stopped.done():
            self._stopped.set_result(None)

    def _flush(self):
        self._flushing = False
        self._send_out()

    def _send_out(self):
        out = self._out
        if not out:
            return
        data = out[0] if len(out) == 1 else b"".join(out)
        out.clear()
        self._held_since = perf_counter()
        if self._backlog:
            self._backlog.append((data, None))
            return
        try:
            sent = self.socket.send(data)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError:
            self._lose()
            return
        if sent < len(data):
            self._backlog.append((memoryview(data)[sent:], None))
            self.loop.add_writer(self.socket.fileno(), self._send_backlog)

    def _send_backlog(self):
        backlog = self._backlog
        try:
            while backlog:
                data, fd = backlog[0]
                sent = self.socket.sendmsg([data], () if fd is None else wire.rights(fd))
                if fd is not None:
                    os.close(fd)
                if sent < len(data):
                    backlog[0] = (memoryview(data)[sent:], None)
                else:
                    backlog.popleft()
        except (BlockingIOError, InterruptedError):
            self.loop.add_writer(self.socket.fileno(), self._send_backlog)
            return
        except OSError:
            self._lose()
            return
        self.loop.remove_writer(self.socket.fileno())
        if self._drained is not None:
            self._drained.set_result(None)
            self._drained = None

    def _lose(self):
        """Notes that the host is gone or wants this worker no more: nothing that is answered
        reaches anybody."""
        self.lost = True
        self.loop.remove_reader(self.socket.fileno())
        self.loop.remove_writer(self.socket.fileno())
        for _, fd in self._backlog:
            if fd is not None:
                os.close(fd)
        self._backlog.clear()
        self._out.clear()
        if self._drained is not None:
            self._drained.set_result(None)
            self._drained = None
        for exchange in list(self._streams.values()):
            exchange.cancel("the host has closed the connection", over=True)
