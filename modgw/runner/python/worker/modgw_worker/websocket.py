"""One WebSocket of an ASGI app (specification 2.5). The host implements the protocol; here are only
its events.

An Event with a message is its str or bytes; True (text) and False (binary) end a long one that came
in Body frames. A list accepts, a tuple closes. A tuple of three from the host means that another
worker is to take over the WebSocket, when the app asks for a message, or at once if the third is
True: the answer is the number of messages that the app has received.
"""

from collections import deque

from . import message as messages
from . import wire
from .exchange import BaseExchange, ClientDisconnected
from .failure import is_due_to
from .http import Exchange

_SHORT = 64 << 10  # the longest message in one Event
_LONGEST = 16 << 20  # that the host takes
_HALF_WINDOW = wire.INITIAL_WINDOW // 2
_EXTENSIONS = {"websocket.http.response": {}}
_DENIAL = "websocket.http.response."


class WebSocket(BaseExchange):
    """A WebSocket: the app's receive and send."""

    __slots__ = (
        "_connected",
        "_accepted",
        "_messages",
        "_received",
        "_long",
        "_held",
        "_leaving",
        "_parting",
        "_code",
        "_reason",
        "_denial",
    )

    def __init__(self, conn, stream, scope, piece, ended):
        super().__init__(conn, stream, scope)
        scope["extensions"] = {**_EXTENSIONS, **scope.get("extensions", {})}
        self._connected = False  # whether the app has received websocket.connect
        self._accepted = False
        # that the app has not received yet, each with its cost in the window
        self._messages = deque()
        self._received = 0  # messages that the app has received
        self._long = []  # pieces of a message that is not complete yet
        self._held = 0  # bytes of them that were not reported to the host
        self._leaving = None  # code and reason, once another worker is to go on
        self._parting = False  # whether the app can still send then
        self._code = 0  # of the end, once it is there
        self._reason = ""
        self._denial = None  # the HTTP response in place of the WebSocket

    async def receive(self):
        """ASGI's receive."""
        if not self._connected:
            self._connected = True
            return {"type": "websocket.connect"}
        while not self._messages or self._leaving:
            if self._leaving:
                self._give_up(True)
            if self._code:
                return {"type": "websocket.disconnect", "code": self._code, "reason": self._reason}
            self._report()
            await self._news()
        message, size = self._messages.popleft()
        self._received += 1
        self._consumed(size)
        if self._held and not self._messages:
            self._take_pieces()
        return {"type": "websocket.receive", "text" if type(message) is str else "bytes": message}

    async def send(self, message):
        """ASGI's send."""
        kind = messages.kind(message)
        if kind == "websocket.close" and (self._code or self._denial is not None):
            return
        if kind.startswith(_DENIAL):
            await self._deny(kind, message)
        elif self._denial is not None:
            raise RuntimeError("cannot send %s after websocket.http.response.start" % kind)
        elif self._code and not self._parting:
            raise ClientDisconnected("the WebSocket has ended with code %d" % self._code)
        elif kind == "websocket.send":
            await self._send(message)
        elif kind == "websocket.accept":
            self._accept(message)
        elif kind == "websocket.close":
            self._end(
                messages.read(message, "code", int, 1000) or 1000,
                messages.read(message, "reason", str, ""),
            )
        else:
            raise RuntimeError("cannot send %s: it is no message of a WebSocket" % kind)

    def handle_frame(self, kind, flags, payload):
        """Takes a frame that the host sent for this stream."""
        if kind == wire.EVENT:
            value, size = wire.loads(payload), len(payload) + wire.EVENT_COST
            if value is True or value is False:
                data = b"".join(self._long)
                self._long.clear()
                value, size = data.decode("utf-8") if value else data, self._held
                self._held = 0
            if type(value) is tuple and len(value) == 3:
                self._leave(*value)
            elif type(value) is tuple:
                self._disconnect(*value)
            else:
                self._messages.append((value, size))
            self._notify()
        elif kind == wire.BODY:
            self._long.append(payload)
            self._held += len(payload)
            if not self._messages:
                self._take_pieces()
        else:
            super().handle_frame(kind, flags, payload)
            if self._denial is not None:
                self._denial.handle_frame(kind, flags, payload)

    def cancel(self, reason, over):
        self._close(1006, "")
        super().cancel(reason, over)

    def hang_up(self):
        if not self.ended and not self._code and self._denial is None:
            self._end(1012, "the worker ends")

    def conclude(self):
        """Judges a call of the app that has returned."""
        if self._denial is not None:
            self._denial.conclude()
        elif not self.ended:
            self._end(1000, "")
        self.conn.forget(self.stream)

    def fail(self, error):
        if self._code and is_due_to(error, ClientDisconnected):
            self.abort("the WebSocket has ended")
            return
        if self._denial is not None:
            self.ended = self._denial.ended
        super().fail(error)

    def title(self):
        return "WebSocket %s" % self.scope.get("path", "")

    def _accept(self, message):
        if self._accepted:
            raise RuntimeError("cannot send websocket.accept twice")
        protocol = messages.read(message, "subprotocol", str, "")
        if not protocol.isascii():
            raise ValueError("cannot use %a as subprotocol: it must be ASCII" % (protocol,))
        self._accepted = True
        self.conn.put(self._event([str(protocol), messages.read_headers(message)]))

    async def _send(self, message):
        if not self._accepted:
            raise RuntimeError("cannot send websocket.send before websocket.accept")
        data = (
            messages.read_bytes(message, "bytes", None)
            if message.get("bytes") is not None
            else None
        )
        text = data is None
        if text:
            data = messages.read(message, "text", str, None)
            if data is None:
                raise ValueError('cannot send websocket.send: it has neither "bytes" nor "text"')
            data = data.encode("utf-8", "surrogatepass")
        if len(data) > _LONGEST:
            raise ValueError(
                "cannot send a message of %d bytes: it may have %d at most" % (len(data), _LONGEST)
            )
        conn = self.conn
        if len(data) <= _SHORT:
            await self._room(len(data) + 5 + wire.EVENT_COST)  # 5: of marshal
            code = b"u" if text else b"s"
            conn.put(wire.frame(wire.EVENT, self.stream, code + wire.SIZE.pack(len(data)) + data))
        else:
            for start in range(0, len(data), _SHORT):
                piece = data[start : start + _SHORT]
                await self._room(len(piece))
                conn.put(wire.frame(wire.BODY, self.stream, piece))
            await self._room(1 + wire.EVENT_COST)
            conn.put(self._event(text))
        if conn.congested():
            await conn.drained()

    async def _deny(self, kind, message):
        if self._accepted:
            raise RuntimeError("cannot send %s after websocket.accept" % kind)
        if self._denial is None:
            if self._code:
                raise ClientDisconnected("the WebSocket has ended with code %d" % self._code)
            self._denial = Exchange(self.conn, self.stream, self.scope, b"", True)
        await self._denial.send({**message, "type": kind[len("websocket.") :]})
        if self._denial.ended:
            self.ended = True
            self._close(1006, "")  # the same code as other servers: there never was a WebSocket

    def _end(self, code, reason):
        """Closes from this side."""
        if not 0 <= code <= 0xFFFF:
            raise ValueError("cannot close a WebSocket with code %d: it has 16 bits" % code)
        self.ended = True
        self._close(code, reason)
        self.conn.put(self._event((int(code), str(reason)), wire.END))
        self.conn.forget(self.stream)

    def _take_pieces(self):
        """Lets the host send more of a long message, when the app has received all before it.

        The last piece is kept back until the app has received the message, so that the host
        knows that it has."""
        size = self._held - len(self._long[-1])
        if size:
            self._held -= size
            self._consumed(size)

    def _disconnect(self, code, reason):
        """The client's side has ended."""
        self._leaving = None
        self._close(code, reason)
        self._parting = False
        self.cancelled = "the WebSocket has ended with code %d" % self._code
        self._stop_waiting()

    def _leave(self, code, reason, now):
        """Another worker is to go on, when the app asks for a message, or now."""
        if self._code or self.ended:
            return
        self._leaving = code, reason
        if now:
            self._give_up(False)
        self._notify()

    def _give_up(self, parting):
        """Gives up the messages that the app has not received: another worker gets them.

        The app may still have to send the messages that it has begun: parting lets it."""
        (code, reason), self._leaving = self._leaving, None
        self._messages.clear()
        self._long.clear()
        self._held = 0
        self.conn.put(self._event(self._received))
        if parting:
            self._parting = True
            self._close(code, reason)
        else:
            self._disconnect(code, reason)

    def _close(self, code, reason):
        if not self._code:
            self._code, self._reason = code, reason
        self._notify()

    def _consumed(self, size):
        self._unreported += size
        if self._unreported >= _HALF_WINDOW:
            self._report()

    def _report(self):
        if self._unreported and not self.ended and not self._code:
            self._tell_received()
