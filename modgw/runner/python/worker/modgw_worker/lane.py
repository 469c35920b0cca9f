"""A lane: the connection on which one thread takes requests and answers them, one after another."""

import array
import collections
import os
import socket
import threading
import traceback
from time import perf_counter

from . import wire
from .wsgi import Exchange

_HEADER_SIZE = wire.HEADER.size
_unpack_header = wire.HEADER.unpack_from
_REQUEST = wire.REQUEST

_RECEIVE = 256 << 10  # bytes asked of one recv
_HOLD_BYTES = 64 << 10  # so many bytes of answers wait for the rest of their batch at most
_HOLD_SECONDS = 0.0002  # answers wait for the next one only while no recent one took longer than this
_FORGET = 0.9  # how much of the slowest one is remembered from request to request


class Lane:
    """Owns one thread. Everything but the methods stop and close_in_child belongs to that thread."""

    def __init__(self, number, fd, app, environ, control):
        self.app = app
        self.environ = environ  # what is in every request's environ
        self.control = control
        self.current = None  # the exchange that is being served
        self.socket = socket.socket(fileno=fd)
        self._buffer = b""
        self._position = 0  # of the first byte in _buffer that was not looked at
        self._queue = collections.deque()  # requests that arrived while another one read its body or wrote
        self._answers = []  # frames that wait for the end of their batch
        self._held = 0  # bytes in _answers
        self._slowest = 1.0  # seconds that a request may need, judged by the recent ones; nobody knows at first
        self._idle = False
        self._stopping = False
        self._lost = False
        self._pid = os.getpid()
        self.thread = threading.Thread(target=self._run, name="modgw-lane-%d" % number, daemon=True)

    def stop(self):
        """Lets the thread end as soon as everything that has arrived is answered."""
        self._stopping = True
        if self._idle:
            # Only wakes the thread: what the socket holds already can still be read.
            try:
                self.socket.shutdown(socket.SHUT_RD)
            except OSError:
                pass

    def close_in_child(self):
        """Lets go of the connection in a forked child, where it is the parent's to use."""
        os.close(self.socket.detach())

    def put(self, frame):
        """Sends a frame at the end of the batch, or at once when much waits already."""
        self._answers.append(frame)
        self._held += len(frame)
        if self._held > _HOLD_BYTES:
            self.flush()

    def put_large(self, header, piece):
        """Sends a frame whose payload is too large to be copied."""
        self.flush()
        self._send((header, piece), ())

    def put_descriptor(self, frame, fd):
        """Sends a frame and with its first byte a file descriptor."""
        self.flush()
        self._send((frame,), ((socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", (fd,))),))

    def flush(self):
        """Sends all frames that wait."""
        answers = self._answers
        if answers:
            data = answers[0] if len(answers) == 1 else b"".join(answers)
            answers.clear()
            self._held = 0
            try:
                self.socket.sendall(data)
            except OSError:
                self._lose()

    def pump(self, wait):
        """Takes in what the host says while a request is being served; with wait, at least one frame."""
        if wait:
            self.flush()
        while not self._route_next() and not self._lost:
            try:
                data = self.socket.recv(_RECEIVE, 0 if wait else socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self._lose()
                return
            self._append(data)
        while self._route_next():
            pass

    def _run(self):
        try:
            self._serve()
        except BaseException as error:
            self.control.log("error", "cannot go on serving requests: %r" % error, traceback=traceback.format_exc())
            os._exit(70)
        if os.getpid() != self._pid:
            os._exit(0)  # A child that the app forked came back from the request: only the parent answers it.

    def _serve(self):
        while not self._lost:
            exchange = self._next()
            if exchange is None:
                return
            self.current = exchange
            begin = perf_counter()
            exchange.run()
            self._slowest = max(perf_counter() - begin, self._slowest * _FORGET)
            self.current = exchange = None  # An idle lane keeps nothing of the request in memory.
            if self._slowest > _HOLD_SECONDS:
                self.flush()

    def _send(self, parts, ancillary):
        try:
            sent = self.socket.sendmsg(parts, ancillary)
            for part in parts:
                if sent < len(part):
                    self.socket.sendall(memoryview(part)[sent:])
                sent = max(0, sent - len(part))
        except OSError:
            self._lose()

    def _lose(self):
        """Notes that the host is gone or wants this worker no more: nothing that is answered reaches anybody."""
        self._lost = True
        if self.current is not None:
            self.current.cancelled = "the host has closed the connection"

    def _next(self):
        """The next request; None when there will be none any more."""
        if self._queue:
            return self._queue.popleft()
        while True:
            buffer, start = self._buffer, self._position
            if len(buffer) - start >= _HEADER_SIZE:
                length, stream, kind, flags, _ = _unpack_header(buffer, start)
                start += _HEADER_SIZE
                end = start + length
                if end <= len(buffer):
                    self._position = end
                    if kind == _REQUEST:
                        return Exchange(self, stream, flags, buffer, start, end)
                    continue  # It belongs to a stream that is closed already.
            self.flush()
            data = self._receive_idle()
            if not data:
                return None
            self._append(data)

    def _receive_idle(self):
        self._idle = True
        try:
            return self.socket.recv(_RECEIVE, socket.MSG_DONTWAIT if self._stopping else 0)
        except OSError:
            return b""
        finally:
            self._idle = False

    def _append(self, data):
        if self._position == len(self._buffer):
            self._buffer = data
        else:
            self._buffer = self._buffer[self._position :] + data
        self._position = 0

    def _route_next(self):
        """Gives the next complete frame to the request that it belongs to; False when there is none."""
        buffer, start = self._buffer, self._position
        if len(buffer) - start < _HEADER_SIZE:
            return False
        length, stream, kind, flags, _ = _unpack_header(buffer, start)
        start += _HEADER_SIZE
        end = start + length
        if end > len(buffer):
            return False
        self._position = end
        if kind == _REQUEST:
            self._queue.append(Exchange(self, stream, flags, buffer, start, end))
            return True
        for exchange in (self.current, *self._queue):
            if exchange is not None and exchange.stream == stream:
                exchange.take(kind, flags, buffer[start:end])
        return True
