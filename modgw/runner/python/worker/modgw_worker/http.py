"""One request through an ASGI app, by its HTTP format (specification 2.5)."""

import itertools
import os

from . import message as messages
from . import wire
from .sharedbuffer import SLOT
from .exchange import BaseExchange, ClientDisconnected

_pack_header = wire.HEADER.pack
_pack_piece = wire.HEADER_AND_PIECE.pack
_pack_response = wire.HEADER_AND_SIZE.pack
_RESPONSE, _BODY, _SHARED, _END = wire.RESPONSE, wire.BODY, wire.SHARED, wire.END
_flatten = itertools.chain.from_iterable

_HALF_WINDOW = wire.INITIAL_WINDOW // 2
# the longest piece of a body in one frame; a longer one only delays the host's other work
_PIECE = 64 << 10
_COPY = 32 << 10  # longer bodies are shared

_EXTENSIONS = {
    "http.response.pathsend": {},
    "http.response.zerocopysend": {},
    "http.response.trailers": {},
    "http.response.early_hint": {},
}


class Exchange(BaseExchange):
    """A request and its response: the app's receive and send."""

    __slots__ = (
        "_pieces",
        "_more",
        "_delivered",
        "_enough",
        "_head",
        "_sent",
        "_trailers",
        "_held",
        "_departed",
    )

    def __init__(self, conn, stream, scope, piece, ended):
        super().__init__(conn, stream, scope)
        extensions = _EXTENSIONS.copy()
        extensions.update(scope.get("extensions", ()))
        scope["extensions"] = extensions
        self._pieces = piece  # of the body: those that the app has not received yet, as one
        self._more = not ended  # whether more of it will come
        self._delivered = False  # whether the app has received all of it
        self._enough = _HALF_WINDOW  # this many are reported even if the app does not wait
        if conn.shared is not None:
            self.window, self.reserve = wire.MUX_WINDOW, wire.MUX_WINDOW - wire.INITIAL_WINDOW
            self._enough = SLOT
        self._head = None  # the status and headers, until they are on their way
        self._sent = False  # whether they are
        self._trailers = None  # a list, when the app has announced some
        self._held = None  # in development: frames of an error page that an exception may replace
        self._departed = False  # whether the client has ended its sending side, and may have gone

    async def receive(self):
        """ASGI's receive."""
        while True:
            if self.cancelled is not None or self.ended and not self._more:
                return {"type": "http.disconnect"}
            if not self._delivered and (self._pieces or not self._more):
                piece, self._pieces = self._pieces, b""
                self._delivered = not self._more
                if self._more:
                    self._consumed(len(piece))
                return {"type": "http.request", "body": piece, "more_body": self._more}
            if self.ended or self._departed:
                return {"type": "http.disconnect"}
            self._report()
            await self._news()

    async def send(self, message):
        """ASGI's send."""
        if self.cancelled is not None:
            raise ClientDisconnected(self.cancelled)
        try:
            kind = message["type"]
        except (KeyError, TypeError):
            kind = messages.kind(message)
        if kind == "http.response.body":
            body = message.get("body", b"")
            if type(body) is not bytes:
                body = messages.read_bytes(message, "body", b"")
            more = message.get("more_body", False)
            self._require_head(kind)
            if not more and self._trailers is None and self._held is None and len(body) <= _COPY:
                if not self._sent:
                    head = self._head
                    self._sent = True
                    self._close()
                    size = len(head)
                    self.conn.put(
                        _pack_response(4 + size + len(body), self.stream, _RESPONSE, _END, 0, size)
                        + head
                        + body
                    )
                    return
            await self._send_body(body, more)
        elif kind == "http.response.start":
            self._start(message)
        else:
            await self._send_extension(kind, message)

    def handle_frame(self, kind, flags, payload):
        """Takes a frame that the host sent for this stream."""
        if kind == _BODY or kind == _SHARED:
            if kind == _SHARED:
                payload = self._read_shared(payload)
            self._pieces = self._pieces + payload if self._pieces else payload
            if flags & _END:
                self._more = False
            self._notify()
        elif kind == wire.EVENT:
            self._departed = True
            self._notify()
        else:
            super().handle_frame(kind, flags, payload)

    def _read_shared(self, payload):
        """The piece of the body that the host has put into shared memory.

        Once the response is complete the host may have put something else there: the app gets no
        more of the body then."""
        return b"" if self.ended else self.conn.shared.read(*wire.PIECE.unpack(payload))

    def conclude(self):
        """Judges a call of the app that has returned."""
        if self.cancelled is not None:
            self.abort(self.cancelled)
        elif not self.ended and self._departed:
            self.abort("the client has gone")
        elif not self.ended:
            what = (
                "sending a response"
                if self._head is None and not self._sent
                else "completing its response"
            )
            raise RuntimeError("cannot answer: the app returned without " + what)
        self._release()

    def fail(self, error):
        if self._held is not None:
            self._held = None  # No client has seen it: the developer gets to see the exception.
            self.ended = False
        super().fail(error)

    def _start(self, message):
        if self._head is not None or self._sent:
            raise RuntimeError("cannot send http.response.start twice")
        status = messages.read(message, "status", int)
        headers = messages.read_headers(message)
        if message.get("trailers", False):
            self._trailers = []
            headers = [pair for pair in headers if pair[0].lower() != b"trailer"]
        if not 200 <= status <= 599:
            raise ValueError(
                "cannot send http.response.start: its status is %d, which must be from 200 to 599"
                % status
            )
        self._head = head = b"\0".join([b"%d " % status, *_flatten(headers)])
        if len(head) > wire.MAX_PAYLOAD // 2:
            raise ValueError("cannot send %d bytes of headers" % len(head))
        if head.count(b"\0") != 2 * len(headers):
            raise ValueError(
                "cannot send http.response.start: one of its headers has a NUL character"
            )
        if status == 500 and self.conn.control.explain:
            self._held = []

    async def _send_body(self, body, more):
        """Sends a piece of the body, in as many frames as it needs, as fast as the host takes
        it."""
        conn, size = self.conn, len(body)
        last = not more and self._trailers is None
        shares = conn.shared is not None and self._held is None and size > _COPY
        if shares and self.window >= size and conn.shared.has_room(size):
            self._share_body(body, size, _END if last else 0)
        else:
            await self._send_pieces(body, size, last, shares)
        if conn.congested():
            await conn.drained()

    def _share_body(self, body, size, end):
        """Puts all of a body into slots, and reports them at once: the host can send it as a whole.
        """
        if end:
            self._close()
        frames = b""
        for start in range(0, size, SLOT):
            piece = body if size <= SLOT else memoryview(body)[start : start + SLOT]
            room = len(piece)
            self.window -= room
            frames += self._share_piece(piece, room, end if start + room == size else 0)
        self._put(frames)

    async def _send_pieces(self, body, size, last, shares):
        conn, position = self.conn, 0
        while True:
            share = shares and conn.shared.has_room(1)
            room = min(SLOT if share else _PIECE, size - position)
            if room:
                await self._room(room, 0 if share else self.reserve)
                if share and not conn.shared.has_room(1):
                    self.window += room  # Others have taken the last slot meanwhile.
                    continue
            piece = body if room == size else memoryview(body)[position : position + room]
            position += room
            end = _END if last and position == size else 0
            if end:
                self._close()
            if share and room:
                self._put(self._share_piece(piece, room, end))
            else:
                self._put_piece(piece, end)
            if position == size:
                break

    def _share_piece(self, piece, size, flags):
        """Puts a piece into a slot of the shared memory, and returns the frames that report it."""
        head = b"" if self._sent else self._head_frame(0, 0)
        due = wire.MUX_WINDOW - self.window
        offset = self.conn.shared.put(self.stream, piece, size, due)
        return head + _pack_piece(8, self.stream, wire.SHARED, flags, 0, offset, size)

    def _put_piece(self, piece, flags):
        size = len(piece)
        if not self._sent:
            self._put(self._head_frame(size, flags) + piece)
        elif size or flags:
            self._put(_pack_header(size, self.stream, _BODY, flags, 0) + piece)

    def _head_frame(self, size, flags):
        """The Response frame without the size bytes of body in it."""
        head = self._head
        self._sent = True
        return (
            _pack_response(4 + len(head) + size, self.stream, _RESPONSE, flags, 0, len(head)) + head
        )

    def _put(self, frame):
        if self._held is None:
            self.conn.put(frame)
            return
        self._held.append(frame)
        if len(self._held) > 8:
            self._release()

    def _release(self):
        held, self._held = self._held, None
        for frame in held or ():
            self.conn.put(frame)

    async def _send_extension(self, kind, message):
        if kind == "http.response.pathsend":
            await self._send_path(messages.read(message, "path", (str, bytes, os.PathLike)))
        elif kind == "http.response.zerocopysend":
            await self._send_file(message)
        elif kind == "http.response.trailers":
            self._send_trailers(message)
        elif kind == "http.response.early_hint":
            if not self._sent:
                event = self._event(messages.read_links(message))
                await self._room(len(event) - wire.HEADER.size + wire.EVENT_COST, self.reserve)
                self.conn.put(event)
        elif kind != "http.response.debug":
            raise RuntimeError("cannot send %s: it is no message of an HTTP response" % kind)

    async def _send_path(self, path):
        self._require_head("http.response.pathsend")
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            size = os.fstat(fd).st_size
            if self._trailers is None:
                await self._hand_over(fd, 0, size)
                fd = None
            else:
                await self._copy(fd, 0, size, False)
        finally:
            if fd is not None:
                os.close(fd)

    async def _send_file(self, message):
        self._require_head("http.response.zerocopysend")
        file, more = messages.read(message, "file", object), message.get("more_body", False)
        if not isinstance(file, int) and not hasattr(file, "fileno"):
            raise TypeError('cannot send http.response.zerocopysend: its "file" is no file')
        source = file if isinstance(file, int) else file.fileno()
        offset = messages.read(message, "offset", int, None)
        if offset is None:
            offset = os.lseek(source, 0, os.SEEK_CUR)
        count = messages.read(message, "count", int, None)
        if count is None:
            count = max(0, os.fstat(source).st_size - offset)
        if more or self._trailers is not None:
            await self._copy(source, offset, count, more)
        else:
            await self._hand_over(os.dup(source), offset, count)

    async def _hand_over(self, fd, offset, size):
        """Has the host send the file, and closes it here, as the rest of the body."""
        self._release()
        if size == 0:
            os.close(fd)
            await self._send_body(b"", False)
            return
        if not self._sent:
            self._put_piece(b"", 0)
        self._close()
        self.conn.put_descriptor(
            wire.frame(wire.FILE, self.stream, wire.RANGE.pack(offset, size), _END), fd
        )
        if self.conn.congested():
            await self.conn.drained()

    async def _copy(self, fd, offset, count, more):
        while count > 0:
            piece = os.pread(fd, min(count, _PIECE), offset)
            if not piece:
                break
            offset += len(piece)
            count -= len(piece)
            await self._send_body(piece, True)
            if self.cancelled is not None:
                raise ClientDisconnected(self.cancelled)
        if not more:
            await self._send_body(b"", False)

    def _send_trailers(self, message):
        if self._trailers is None:
            raise RuntimeError(
                'cannot send trailers that http.response.start did not announce with "trailers": '
                'True'
            )
        self._trailers.extend(messages.read_headers(message))
        if not message.get("more_trailers", False):
            self._release()
            self._close()
            self.conn.put(self._event(self._trailers, _END))

    def _close(self):
        """Notes that the last frame of the response is made."""
        self.ended = True
        if not self._more:
            self.conn.forget(self.stream)
        self._notify()

    def _require_head(self, kind):
        if self.ended:
            raise RuntimeError("cannot send %s after the response was completed" % kind)
        if self._head is None:
            raise RuntimeError("cannot send %s before http.response.start" % kind)

    def _consumed(self, size):
        self._unreported += size
        if self._unreported >= self._enough:
            self._report(1)  # see _report of body.py

    def _report(self, rest=0):
        if self._unreported > rest and self._more and not self.ended:
            self._tell_received(rest)
