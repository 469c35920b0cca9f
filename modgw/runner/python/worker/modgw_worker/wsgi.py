"""One request through a WSGI app, by the rules of PEP 3333."""

import marshal
from io import BytesIO

from . import wire
from .sharedbuffer import SharedPiece
from .body import ClientDisconnected, Input
from .filewrapper import FileWrapper
from .failure import is_due_to, log_failed
from .interrupt import RequestTimeout
from .head import as_bytes, kind, response_head, with_length

_loads = marshal.loads
_unpack_size = wire.SIZE.unpack_from
_unpack_sizes = wire.SIZES.unpack_from
_pack_header = wire.HEADER.pack
_pack_piece = wire.HEADER_AND_PIECE.pack
_pack_response = wire.HEADER_AND_SIZE.pack
_RESPONSE, _BODY, _END = wire.RESPONSE, wire.BODY, wire.END
_BUSY_END = wire.END | wire.BUSY

# exceptions that an app without a request may raise
_OF_THE_END = ClientDisconnected, RequestTimeout, GeneratorExit

_NAMED = "modgw.request_id", "HTTP_TRACEPARENT"  # by which a log names a request

_COPY = 32 << 10  # longer pieces are sent from where they are, or shared
# the longest piece of a body that the buffer cannot hold as a whole: half of it, so that the next
# one can be copied meanwhile
_SHARED = 512 << 10


class Exchange:
    """A request and its response. It is the app's start_response, and the interface for the
    connection's frames of its stream."""

    __slots__ = (
        "conn",
        "stream",
        "whole",
        "environ",
        "input",
        "cancelled",
        "ended",
        "_head",
        "_left",
        "_started",
        "_sent",
        "_wrote",
        "_bodiless",
        "_window",
    )

    def __init__(self, conn, stream, flags, buffer, start, end):
        self.conn = conn
        self.stream = stream
        head, beginning = _unpack_sizes(buffer, start)
        body = start + 4 + head
        own = start + 8 + beginning
        self.whole = flags & _END  # whether the body came whole
        self.environ = environ = conn.beginnings[buffer[start + 8 : own]].copy()
        environ.update(_loads(buffer[own:body]))
        # A body that came whole needs no flow control, and BytesIO reads it in C.
        self.input = BytesIO(buffer[body:end]) if self.whole else Input(self, buffer[body:end])
        self.cancelled = None  # the reason, once the host has given the request up
        self.ended = False  # whether the last frame of the response was made
        self._head = None  # status and headers, as the host takes them
        self._left = -1  # bytes of body until Content-Length is reached; -1: unknown
        self._started = False  # whether start_response was called, with success or not
        self._bodiless = False  # whether the response to this method has no body
        self._sent = False  # whether the head is on its way
        self._wrote = False  # whether write was used
        self._window = conn.window  # bytes of body that may be sent

    def run(self):
        """Calls the app and sends its answer."""
        conn = self.conn
        environ = self.environ
        environ["wsgi.input"] = self.input
        self._bodiless = environ["REQUEST_METHOD"] == "HEAD"
        result = None
        try:
            conn.inside = True
            if self.cancelled is not None:
                raise ClientDisconnected(self.cancelled)
            result = conn.app(environ, self.start_response)
            conn.inside = False
            if conn.settled != conn.asked:
                conn.settle()
            shape = type(result)
            if shape is list or shape is tuple:
                self._finish(result[0] if len(result) == 1 else b"".join(map(as_bytes, result)))
                return
            if shape is not FileWrapper or not self._finish_with_file(result):
                self._send_all(result)
        except BaseException as error:
            self._leave()
            self._fail(error, result)
        if hasattr(result, "close"):
            try:
                conn.flush()  # The client need not wait for the app's cleaning up.
                conn.inside = True
                result.close()
                self._leave()
            except BaseException as error:
                self._leave()
                self._fail(error, result)

    def _leave(self):
        """Leaves the app's code, where the thread may be interrupted."""
        conn = self.conn
        conn.inside = False
        if conn.settled != conn.asked:
            conn.settle()

    def start_response(self, status, headers, exc_info=None):
        """PEP 3333's start_response; returns its write."""
        if exc_info:
            try:
                if self._sent:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None  # or this frame and the traceback would keep each other alive
        elif self._started:
            raise AssertionError("cannot call start_response twice without exc_info")
        self._started = True
        self._head = None
        self._head, self._left = response_head(status, headers)
        return self._write

    def title(self):
        """The request as a log shows it; without the query, which may hold secrets."""
        environ = self.environ
        return "%s %s%s" % (
            environ.get("REQUEST_METHOD", "?"),
            environ.get("SCRIPT_NAME", ""),
            environ.get("PATH_INFO", ""),
        )

    def handle_frame(self, kind, flags, payload):
        """Takes a frame that the host sent for this stream."""
        if kind == _BODY and type(self.input) is Input:
            self.input.feed(payload, flags & _END)
        elif kind == wire.KEPT:
            self.input.feed_kept(wire.PIECE.iter_unpack(payload), flags & _END)
        elif kind == wire.SHARED:
            self.input.feed_shared(
                SharedPiece(self.conn, *wire.PIECE.unpack(payload)), flags & _END
            )
        elif kind == wire.WINDOW:
            self._window += _unpack_size(payload)[0]
        elif kind == wire.CANCEL:
            self.cancelled = payload.decode("utf-8", "replace") or "cancelled"

    def abort(self, reason):
        """Ends the stream without a complete response, unless it has ended."""
        if not self.ended:
            self.ended = True
            self.conn.put(wire.abort(self.stream, reason))

    def consumed(self, size):
        """Reports to the host that size bytes of the request's body were read."""
        self.conn.put(wire.frame(wire.WINDOW, self.stream, wire.SIZE.pack(size)))
        self.conn.flush()

    def wait(self, want=0):
        """Waits until the host has sent something, of the body as many bytes as wanted; raises when
        the request is over."""
        self.conn.pump(wait=True, want=want)
        self.check()

    def undisturbed(self, work, *arguments):
        """Does work of the worker's own, which the app has called. No interruption ends it."""
        conn = self.conn
        if not conn.step_out():
            return work(*arguments)
        try:
            return work(*arguments)
        finally:
            conn.step_in()
            self.check()

    def check(self):
        if self.cancelled is not None:
            raise ClientDisconnected(self.cancelled)

    def _finish(self, body):
        """Sends body as the whole response, in one frame when that is possible."""
        if not self.whole:
            self.input.drop()  # The host need not wait for it until the response is passed on.
        head = self._head
        size = len(body)
        if (
            type(body) is not bytes
            or head is None
            or self._sent
            or self._bodiless
            or size > _COPY
            or self._left >= 0
            and self._left != size
        ):
            large = size > _COPY and not self._sent
            if head is not None and self._left < 0 and (large or self._bodiless and size > 0):
                self._head = with_length(head, size)
                self._left = size
            self._send_all((body,))
            return
        self.ended = self._sent = True
        conn = self.conn
        conn.put(
            _pack_response(4 + len(head) + size, self.stream, _RESPONSE, _END, conn.pace, len(head))
            + head
            + body
        )

    def _send_all(self, pieces):
        """Sends each piece as it comes, and ends the response."""
        if not hasattr(pieces, "__iter__") and not hasattr(pieces, "__getitem__"):
            what = "the app returned %s, which cannot be iterated over" % kind(pieces)
            raise TypeError("cannot send a response: " + what)
        is_file = type(pieces) is FileWrapper
        conn = self.conn
        conn.inside = True
        self.check()
        # This alone calls iter: an iterable may count its calls, or allow only one.
        for data in pieces:
            conn.inside = False
            if conn.settled != conn.asked:
                conn.settle()
            if type(data) is not bytes:
                data = as_bytes(data)
            if is_file and 0 <= self._left < len(data):
                data = data[: self._left]  # PEP 3333 allows a file to be longer than the response.
                if not data:
                    break
            if data:
                self._send(data)
                if self._bodiless:
                    break
            conn.inside = True
            self.check()
        self._leave()
        self._end()

    def _write(self, data):
        """PEP 3333's write."""
        self.undisturbed(self._write_piece, data)

    def _write_piece(self, data):
        if type(data) is not bytes:
            data = as_bytes(data, "write was called with")
        self._wrote = True
        if data:
            self._send(data)
            self.check()

    def _send(self, data):
        """Sends a piece of the body before it returns, and the head before the first."""
        size = len(data)
        if self._bodiless:
            self._end()
            return
        if self._left >= 0:
            if size > self._left:
                raise ValueError(
                    "cannot send a response whose body is longer than its Content-Length"
                )
            self._left -= size
        if self._sent:
            self.conn.pump(wait=False)  # A client that has gone is noticed here.
        position = 0
        shared = self.conn.shared if size > _COPY else None
        most = size if size <= wire.BUFFER_WINDOW else _SHARED
        while position < size:
            self.check()
            left = size - position
            room = min(self._window, left) if shared is None else shared.room(min(left, most))
            if room <= 0:
                self.conn.pump(wait=True)
                continue
            piece = data if room == size else memoryview(data)[position : position + room]
            position += room
            flags = _BUSY_END if self._left == 0 and position == size else 0
            if shared is None:
                self._window -= room
                self._send_piece(piece, flags)
            else:
                self._share_piece(shared.put(piece, room), room, flags)
                if most < size:
                    self.conn.flush()  # The host passes it on while the next one is copied.
        self.conn.flush()

    def _send_piece(self, piece, flags):
        size = len(piece)
        if self._sent:
            header = _pack_header(size, self.stream, _BODY, flags, 0)
        elif size > _COPY:
            # The host need not copy the payload of a separate frame.
            header = self._head_frame(0, 0) + _pack_header(size, self.stream, _BODY, flags, 0)
        else:
            header = self._head_frame(size, flags)
        if flags:
            self.ended = True
        if size > _COPY:
            self.conn.put_large(header, piece)
        else:
            self.conn.put(header + piece)

    def _share_piece(self, offset, size, flags):
        head = b"" if self._sent else self._head_frame(0, 0)
        if flags:
            self.ended = True
        self.conn.put(head + _pack_piece(8, self.stream, wire.SHARED, flags, 0, offset, size))

    def _head_frame(self, size, flags):
        """The Response frame without the size bytes of body in it."""
        head = self._require_head()
        self._sent = True
        return (
            _pack_response(
                4 + len(head) + size, self.stream, _RESPONSE, flags, self.conn.pace, len(head)
            )
            + head
        )

    def _end(self):
        """Ends the response if its end was not sent with its last piece."""
        if not self.ended:
            self.check()
            self._send_piece(b"", _BUSY_END)

    def _finish_with_file(self, wrapper):
        """Hands the file to the host; False when it is none that the host could read."""
        if self._wrote or self._bodiless:
            return False
        found = wrapper.descriptor()
        if found is None:
            return False
        fd, offset, size = found
        if self._left >= 0:
            size = min(size, self._left)
        if size == 0:
            self._end()
            return True
        self._send_piece(b"", 0)
        self.ended = True
        self.conn.put_descriptor(
            wire.frame(wire.FILE, self.stream, wire.RANGE.pack(offset, size), _END), fd
        )
        return True

    def _require_head(self):
        if self._head is None:
            raise AssertionError("cannot send a response before start_response was called")
        return self._head

    def _fail(self, error, result):
        """Logs an exception that the app did not catch, and ends the stream."""
        if self.cancelled is not None and is_due_to(error, _OF_THE_END):
            self.abort(self.cancelled)
            return
        request, trace = (self.environ.get(key, "") for key in _NAMED)
        self.abort(log_failed(self, error, (result, self.conn.app), request, trace))
        if isinstance(error, SystemExit):
            self.conn.flush()
            self.conn.control.retire("the app called sys.exit in a request")
