"""wsgi.input for a request body that is still on its way."""

import io
from collections import deque

from .sharedbuffer import SharedPiece

_ALL = 1 << 30
_LINES = 64 << 10  # bytes of a kept body in which the end of a line is looked for


class ClientDisconnected(ConnectionError):
    """The request is over for the host: its client has gone, or its time is up."""


class Input(io.BufferedIOBase):
    """Reads the body as the host sends it, and lets the host send more as it is read. close does
    nothing."""

    def __init__(self, exchange, piece):
        self._exchange = exchange
        self._pieces = deque((piece,) if piece else ())
        self._offset = 0  # in the first piece: the bytes before it were read
        self._ended = False
        # bytes that came in frames; the connection counts those in shared memory
        self._unread = len(piece)
        self._unreported = 0  # number of them that were read and not reported to the host
        self._kept = 0  # bytes that are to be read in the host's memory; there they are views
        # has the stream until that memory is returned; the thread that takes it from there returns
        # the memory, once, even if other threads of the app are reading
        self._loans = []

    def feed(self, piece, ended):
        """Accepts a piece from the host."""
        if piece:
            self._unread += len(piece)
            self._pieces.append(piece)
        if ended:
            self._ended = True

    def feed_kept(self, pieces, ended):
        """Takes a body that the host keeps, until the last of it was read."""
        self._loans.append(self._exchange.stream)
        bodies = self._exchange.conn.shared.bodies
        for offset, size in pieces:
            self._kept += size
            self._pieces.append(bodies[offset : offset + size])
        if ended:
            self._ended = True

    def feed_shared(self, shared, ended):
        """Accepts a piece that the host has put into shared memory."""
        self._pieces.append(shared)
        if ended:
            self._ended = True

    def drop(self):
        """Releases the memory that the host keeps, and shares, when the request is over."""
        for piece in self._pieces:
            if type(piece) is SharedPiece:
                piece.drop()
        if self._loans:
            self._pieces.clear()
            self._offset = self._kept = 0
            self._return_kept()

    def readable(self):
        return True

    def close(self):
        pass

    def read(self, size=-1):
        """Exactly size bytes, or fewer at the end of the body; all that is left with a negative
        size or None."""
        if size is None or size < 0:
            size = -1
        taken, left, kept = [], size, 0
        while left:
            piece = self._exchange.undisturbed(self._take, left)
            if not piece:
                break
            taken.append(piece)
            if type(piece) is memoryview:
                kept += len(piece)
            if size > 0:
                left -= len(piece)
        if len(taken) == 1 and not kept:
            return taken[0]
        data = b"".join(taken)
        if kept:
            self._exchange.undisturbed(self._count_kept, kept)
        return data

    def read1(self, size=-1):
        """Returns the available bytes, at most size; waits only for the first of them."""
        return self._exchange.undisturbed(self._read1, size)

    def _read1(self, size):
        piece = self._take(size)
        return self._copy(piece) if type(piece) is memoryview else piece

    def _copy(self, view):
        data = bytes(view)
        self._count_kept(len(data))
        return data

    def _count_kept(self, size):
        """Counts bytes of the host's memory that are not looked at any more."""
        self._kept -= size
        if not self._kept:
            self._return_kept()

    def _return_kept(self):
        """Lets the host use its memory again, unless another thread does."""
        try:
            stream = self._loans.pop()
        except IndexError:
            return
        self._exchange.conn.return_kept(stream)

    def _take(self, size):
        """The next bytes, at most size; a view if the host keeps them, which is to be counted when
        it was copied."""
        if size == 0 or not self._fill(size if size > 0 else _ALL):
            return b""
        piece, start = self._pieces[0], self._offset
        if type(piece) is SharedPiece:
            return self._read_shared(size)
        if 0 < size < len(piece) - start:
            self._offset = start + size
            piece = piece[start : self._offset]
        else:
            self._offset = 0
            self._pieces.popleft()
            if start:
                piece = piece[start:]
        if type(piece) is bytes:
            self._account(len(piece))
        return piece

    def readline(self, size=-1):
        """One line with its end, at most size bytes of it."""
        return self._exchange.undisturbed(self._readline, size)

    def _readline(self, size):
        if size is None or size < 0:
            size = -1
        taken, left = [], size
        while left and self._fill():
            piece = self._pieces[0]
            if type(piece) is SharedPiece:
                piece = self._pieces[0] = piece.read(piece.size)
            elif type(piece) is memoryview:
                piece = self._copy_beginning(piece)
            end = (piece.find(b"\n", self._offset) + 1 or len(piece)) - self._offset
            piece = self._read1(min(end, left) if left > 0 else end)
            taken.append(piece)
            if size > 0:
                left -= len(piece)
            if piece.endswith(b"\n"):
                break
        return b"".join(taken)

    def _copy_beginning(self, view):
        """Turns the beginning of the first piece, a view, into a piece of its own."""
        view, self._offset = view[self._offset :], 0
        piece = self._pieces[0] = self._copy(view[:_LINES])
        if len(view) > _LINES:
            self._pieces.insert(1, view[_LINES:])
        return piece

    def readlines(self, hint=-1):
        """The lines that are left; stops after those that make up hint bytes."""
        lines, size = [], 0
        for line in self:
            lines.append(line)
            size += len(line)
            if hint is not None and 0 < hint <= size:
                break
        return lines

    def _fill(self, want=0):
        """Waits for a piece, of the size that is wanted if that costs no copy; False at the end of
        the body."""
        self._exchange.check()
        while not self._pieces:
            if self._ended:
                return False
            if self._exchange.conn.is_quiet():
                # The host sees by it that the app waits for the client, whose time is not the
                # app's.
                self._report()
            self._exchange.wait(want)
        return True

    def _read_shared(self, size):
        """At most size bytes of the first piece, which is in shared memory."""
        shared = self._pieces[0]
        piece = shared.read(min(size, shared.size) if size > 0 else shared.size)
        if not shared.size:
            self._pieces.popleft()
        return piece

    def _account(self, size):
        """Lets the host send more in time: it has half a window left then, and need not wait."""
        size = min(size, self._unread)  # Pieces in shared memory come after all others.
        self._unread -= size
        self._unreported += size
        if self._unreported >= self._exchange.conn.window // 2 and not self._ended:
            # Reporting the last byte means that the app waits: see _report.
            self._exchange.consumed(self._unreported - 1)
            self._unreported = 1

    def _report(self):
        """Reports all bytes read to the host, which takes that as a sign that the app waits for
        more."""
        if self._unreported:
            self._exchange.consumed(self._unreported)
            self._unreported = 0
        self._exchange.conn.report()
