"""The connection on which a host sends requests to one thread, and gets the answers."""

import collections
import os
import socket
import threading
from time import perf_counter

from . import stacks, wire
from .answers import Answers
from .environ import Beginnings
from .interrupt import Interruptible, RequestTimeout
from .pace import APART, Pace
from .requeuing import Requeuing
from .servingthread import ServingThread
from .wsgi import Exchange

_HEADER_SIZE = wire.HEADER.size
_unpack_header = wire.HEADER.unpack_from
_REQUEST, _BODY = wire.REQUEST, wire.BODY

_RECEIVE = 64 << 10  # bytes asked of one recv; more would cost a mapping of memory for each
# longest time that an answer waits for the next one, if the recent ones make that worthwhile
_HOLD_SECONDS = 0.001
_SLOW = 0.004  # seconds of a request after which no answer waits for the next one
_FORGET = 0.9  # how much of the slowest one is remembered from request to request


class Conn(Interruptible, Requeuing, Answers):
    """Takes the requests of one host in a ServingThread.

    Everything but the methods stop, cut_off, interrupt, places, close_in_child and those of
    Requeuing belongs to that thread."""

    window = wire.THREAD_WINDOW

    began = None  # called when a request begins while another host has the thread, too

    watch = None  # measures how long threads wait for the interpreter; None: nothing does

    def __init__(self, number, fd, shared, app, environ, control, probe=None):
        self.shared = shared  # that large bodies pass through; None: there is none
        self.app = app
        self.beginnings = Beginnings(environ)  # that is in each of them
        self.control = control
        self.current = None  # the exchange that is being served
        self.socket = socket.socket(fileno=fd)
        self._buffer = b""
        self._position = 0  # of the first byte in _buffer that was not looked at
        # of a Body frame that has come in part: its stream, its flags, and how many bytes are to
        # come
        self._rest = None
        self._queue = collections.deque()  # requests that have arrived
        # held while the queue is searched, and while requests are taken from its end
        self._searching = threading.Lock()
        self._receiving = threading.Lock()  # held for the socket's input and the buffer
        # held for the socket's output, and while answers are taken
        self._sending = threading.Lock()
        self._answers = []  # frames that wait for the end of their batch
        self._held = 0  # bytes in _answers
        self._held_since = 0.0  # when the first of them was made
        # seconds that a request may need, judged by the recent ones; unknown at first
        self._slowest = 1.0
        self._pace = Pace(probe)
        self.pace = 0  # the pace reported to the host; 0: unknown so far
        # which stream the host last asked about, the thread's CPU time then, and when it was
        self._asked = (0, 0.0, 0.0)
        self.begun = 0.0  # when the current request was begun
        self.idle = False  # whether the thread waits for a request
        self.stopping = False
        self._lost = False
        self._paused = False  # whether another connection of the thread may have a request
        self.number = number - 1  # by which the host knows the connection
        # whether the host knows that the thread is busy, for another host or after a response
        self.away = False
        self.serving = ServingThread(self, "modgw-thread-%d" % number)

    @property
    def thread(self):
        """The thread that serves the requests."""
        return self.serving.thread

    def start(self):
        """Serves requests in a thread of its own."""
        self.thread.start()

    def stop(self):
        """Lets the thread end as soon as everything that has arrived is answered."""
        self.stopping = True
        if self.idle:
            # This only wakes the thread: bytes that are already in the socket can still be read.
            try:
                self.socket.shutdown(socket.SHUT_RD)
            except OSError:
                pass

    def cut_off(self):
        """Cuts the connection to the host, so that an app without an end gets an exception. For
        another thread."""
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def places(self, now):
        """The position of its request, as a list, which is empty if there is no request; for
        another thread."""
        exchange = self.current
        if exchange is None:
            return []
        request = exchange.environ.get("modgw.request_id", "")
        return [stacks.place(stacks.running(self.thread.ident), request, now - self.begun)]

    def close_in_child(self):
        """Lets go of the connection in a forked child, where it is the parent's to use."""
        if self.socket.fileno() >= 0:
            os.close(self.socket.detach())
        self.shared = None
        # The parent's main thread may hold them.
        self._searching = threading.Lock()
        self._receiving, self._sending = threading.Lock(), threading.Lock()

    def release(self, size):
        """Lets the host use bytes of the shared buffer again; enough of them are reported."""
        if self.shared is not None:
            self._report_read(self.shared.count_read(size))

    def return_kept(self, stream):
        """Lets the host use the memory of a kept body again."""
        if self.shared is not None:
            self.put(wire.frame(wire.KEPT, stream))

    def report(self):
        """Reports to the host all bytes of the shared buffer that it can use again."""
        if self.shared is not None:
            self._report_read(self.shared.take_unreported())

    def _report_read(self, size):
        if size:
            self.put(wire.frame(wire.WINDOW, 0, wire.SIZE.pack(size)))
            self.flush()

    def is_quiet(self):
        """Whether nothing has come from the host that was not taken in."""
        if self._position < len(self._buffer):
            return False
        try:
            with self._receiving:
                return not self.socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return True
        except OSError:
            return False

    def pump(self, wait, want=0):
        """Handles the host's frames while a request is being served; with wait, at least one frame
        or piece of one.

        With want, that many bytes of a body come as one piece, if its frame has as many."""
        if wait:
            self.flush()
        try:
            with self._receiving:
                if not self._fill(0 if wait else socket.MSG_DONTWAIT, want):
                    self._lose()
        except BlockingIOError:
            pass
        except OSError as error:
            self._lose_for(error)

    def serve(self):
        """Serves requests. False when there will be none any more, True when the other connections
        of the thread may have some."""
        pace = self._pace
        self._paused = False
        while not self._lost:
            exchange = self._next()
            if exchange is None:
                return self._paused
            if pace.due >= APART:
                pace.begin_sample(exchange.stream)
                if self.watch is not None:
                    self.watch.wake()
                self.begun = perf_counter()
            if self.began is not None:
                self.began()
            begin = self.begun
            try:
                exchange.run()
            except RequestTimeout:
                self._recover(exchange)
            if not exchange.whole:
                exchange.input.drop()
            end = perf_counter()
            took = pace.count(end - begin)
            recent = self._slowest * _FORGET
            self._slowest = took if took > recent else recent
            # An idle connection keeps nothing of the request in memory.
            self.current = exchange = None
            if self.away:
                self.come_back()
            if len(self._answers) == 1:
                self._held_since = end
            if (
                not self._queue
                or self._slowest > _SLOW
                or end - self._held_since + pace.average > _HOLD_SECONDS
            ):
                self.flush()
                self.pace = pace.value()
        return False

    def survive(self, error):
        """Continues after an exception that a signal handler of the app has raised between two
        requests, until the host has a successor."""
        reason = "a signal handler of the app raised %s between two requests" % type(error).__name__
        self.control.log_raised(reason, error)
        self.control.retire(reason)

    def _recover(self, exchange):
        """Ends a request whose interruption arrived while it was being ended."""
        self.inside = False
        try:
            self.settle()
        except RequestTimeout:
            self.settle()
        exchange.abort(exchange.cancelled)

    def _lose_for(self, error):
        """Notes that the connection is lost; raises the error again when a signal handler of the
        app has raised it."""
        if not _is_of_system(error):
            raise error
        self._lose()

    def _lose(self):
        """Notes that the host is gone or wants this worker no more: nothing that is answered
        reaches anybody."""
        self._lost = True
        if self.current is not None:
            self.current.cancelled = "the host has closed the connection"

    def _next(self):
        """The next request, which is the current one then; None when there will be none any
        more."""
        while True:
            try:
                if self._queue:
                    self.begun = perf_counter()
                    self.current = self._queue.popleft()
                    return self.current
            except IndexError:
                pass  # The last one was just given back.
            self.flush()
            if not self._receive_idle():
                return None

    def _receive_idle(self):
        """Waits for a request; False when there will be none any more."""
        with self._receiving:
            with self._searching:
                if self._queue:
                    return True
            self.idle = True
            several = len(self.serving.conns) > 1
            try:
                return self._fill(socket.MSG_DONTWAIT if several or self.stopping else 0)
            except Exception as error:
                if _is_of_system(error):
                    blocks = isinstance(error, BlockingIOError)
                    self._paused = blocks and several and not self.stopping
                    return False
                self.survive(error)
                return True
            finally:
                self.idle = False

    def _fill(self, flags, want=0):
        """Handles all available frames, and receives until there is one; False at the end of the
        connection."""
        while not self._take_frame():
            if want and self._position == len(self._buffer):
                data = self._receive_exactly(want)
            else:
                data = self.socket.recv(_RECEIVE, flags)
            if not data:
                return False
            self._append(data)
        while self._take_frame():
            pass
        return True

    def _receive_exactly(self, want):
        """Receives a header, or the wanted bytes of a body, exactly, so that neither must be
        copied."""
        if self._rest:
            return self.socket.recv(min(want, self._rest[2], _RECEIVE), socket.MSG_WAITALL)
        return self.socket.recv(_HEADER_SIZE)

    def _append(self, data):
        if self._position == len(self._buffer):
            self._buffer = data
        else:
            self._buffer = self._buffer[self._position :] + data
        self._position = 0

    def _take_frame(self, wanted=None):
        """Handles the next frame, of the wanted kind; False if it is another one or not complete
        yet.

        A Body frame is handled in the pieces in which it comes."""
        if self._rest and wanted is None:
            return self._take_piece(*self._rest)
        buffer, start = self._buffer, self._position
        if len(buffer) - start < _HEADER_SIZE:
            return False
        length, stream, kind, flags, _ = _unpack_header(buffer, start)
        start += _HEADER_SIZE
        end = start + length
        if wanted is not None and (kind != wanted or self._rest):
            return False
        if end > len(buffer):
            if kind != _BODY:
                return False
            self._position = start
            return self._take_piece(stream, flags, length)
        self._position = end
        if kind == _REQUEST:
            self._queue.append(Exchange(self, stream, flags, buffer, start, end))
        else:
            self._route(stream, kind, flags, buffer[start:end])
        return True

    def _take_piece(self, stream, flags, left):
        """Handles the available part of the rest of a Body frame; False if there is none."""
        start = self._position
        piece = self._buffer[start : start + left]
        self._position = start + len(piece)
        left -= len(piece)
        self._rest = (stream, flags, left) if left else None
        if piece:
            self._route(stream, _BODY, 0 if left else flags, piece)
        return bool(piece)

    def _route(self, stream, kind, flags, payload):
        """Gives a frame to the request that it belongs to, unless its stream is closed already."""
        if stream == 0:
            self.shared.release(wire.SIZE.unpack(payload)[0])
            return
        with self._searching:
            exchanges = (self.current, *self._queue)
        for exchange in exchanges:
            if exchange is not None and exchange.stream == stream:
                exchange.handle_frame(kind, flags, payload)
                return
        if kind == wire.SHARED:
            self.release(wire.PIECE.unpack(payload)[1])
        elif kind == wire.KEPT:
            self.return_kept(stream)


def _is_of_system(error):
    """Whether a system call failed. Exceptions of signal handlers, such as TimeoutError, have no
    number."""
    return isinstance(error, OSError) and error.errno is not None
