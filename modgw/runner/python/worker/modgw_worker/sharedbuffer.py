"""The memory that the host shares with the worker, through which large bodies pass without the
kernel's copies."""

import collections
import os

from . import wire

_WINDOW = wire.BUFFER_WINDOW
_THREAD_BUFFER_SIZE = 2 * _WINDOW

SLOT = wire.MUX_WINDOW // 2  # bytes of a slot: the host passes one on while the next is filled


def map_memory(fd, size=0, writable=True):
    """The memory of a descriptor, which is closed; all of it without a size. None if that is
    impossible."""
    try:
        import mmap  # not everybody needs it, or has it

        rights = mmap.PROT_READ | mmap.PROT_WRITE if writable else mmap.PROT_READ
        return mmap.mmap(fd, size, mmap.MAP_SHARED, rights)
    except (ImportError, OSError, OverflowError, ValueError):
        return None
    finally:
        os.close(fd)


def open_buffers(start, fds):
    """Maps the memory of descriptors, which are closed, and returns the buffer of each connection.

    The first one is that of the buffers, and the second one, if there is one, that of kept bodies.
    The buffers are None if that is impossible."""
    shared = start["kind"] == "asgi"
    conns = 1 if shared else start["threads"]
    size = 2 * wire.MUX_BUFFER_SIZE if shared else conns * _THREAD_BUFFER_SIZE
    memory = map_memory(fds[0], size) if fds else None
    bodies = map_memory(fds[1], writable=False) if len(fds) > 1 else None
    if memory is None or len(fds) > 1 and bodies is None:
        return [None] * conns
    if shared:
        return [MuxBuffer(memory)]
    if bodies is not None:
        bodies = memoryview(bodies)
    return [ThreadBuffer(memory, n * _THREAD_BUFFER_SIZE, bodies) for n in range(conns)]


class ThreadBuffer:
    """The buffer of a thread: the worker puts responses in one half, the host requests in the
    other."""

    __slots__ = ("memory", "bodies", "responses", "requests", "_next", "_free", "_unreported")

    def __init__(self, memory, start, bodies=None):
        self.memory = memory
        self.bodies = bodies  # the memory for kept bodies, which all workers share; None: none is
        self.responses = start  # where they begin
        self.requests = start + _WINDOW
        self._next = 0  # where the next piece of a response goes
        self._free = _WINDOW  # bytes of the half for responses that the host does not use
        self._unreported = 0  # bytes of requests that were read and not reported to the host

    def room(self, most):
        """How long the next piece of a response can be."""
        return min(most, self._free, _WINDOW - self._next)

    def put(self, piece, size):
        """Puts a piece of a response there, for which there must be room, and returns its
        offset."""
        offset = self._next
        start = self.responses + offset
        self.memory[start : start + size] = piece
        self._next = (offset + size) % _WINDOW
        self._free -= size
        return offset

    def release(self, size):
        """Frees bytes that the host has passed on."""
        self._free += size
        if self._free == _WINDOW:
            self._next = 0

    def count_read(self, size):
        """Counts bytes of a request that were read, and returns the number to report to the host
        now."""
        self._unreported += size
        if self._unreported < _WINDOW // 2:
            return 0
        size, self._unreported = self._unreported - 1, 1  # see _report of body.py
        return size

    def take_unreported(self):
        """The number of bytes of a request that were read and not reported to the host, to be
        reported now."""
        size, self._unreported = self._unreported, 0
        return size


class MuxBuffer:
    """Pieces of requests, where the host has put them, and slots for pieces of responses.

    The slot that was used last is given out first: it is still in the processor's cache."""

    def __init__(self, memory):
        self._memory = memory
        self._free = list(range(wire.MUX_BUFFER_SIZE - SLOT, -1, -SLOT))
        self._used = {}  # by stream: bytes released so far, pairs (of those when it is free, slot)

    def read(self, offset, size):
        """A copy of a piece of a request."""
        start = wire.MUX_BUFFER_SIZE + offset
        return self._memory[start : start + size]

    def has_room(self, size):
        """Whether there are free slots for so many bytes."""
        return len(self._free) * SLOT >= size

    def put(self, stream, piece, size, due):
        """Puts a piece into a free slot and returns its offset.

        Its slot is free again when so many bytes that are due, the piece's own at last, were
        released for the stream."""
        slot = self._free.pop()
        self._memory[slot : slot + size] = piece
        used = self._used.get(stream)
        if used is None:
            used = self._used[stream] = [0, collections.deque()]
        used[1].append((used[0] + due, slot))
        return slot

    def release(self, stream, size):
        """Counts bytes that the host has released for a stream, which may have ended."""
        used = self._used.get(stream)
        if used is None:
            return
        used[0] += size
        pieces = used[1]
        while pieces and pieces[0][0] <= used[0]:
            self._free.append(pieces.popleft()[1])
        if not pieces:
            del self._used[stream]


class SharedPiece:
    """A piece of a request's body, which lies in the shared buffer until it is read."""

    __slots__ = ("size", "_conn", "_memory", "_start")

    def __init__(self, conn, offset, size):
        self.size = size  # that is left
        self._conn = conn
        self._memory = conn.shared.memory
        self._start = conn.shared.requests + offset

    def read(self, size):
        """Takes so many bytes from its beginning, as one object that is copied once."""
        start = self._start
        self._start = end = start + size
        self.size -= size
        piece = self._memory[start:end]
        self._conn.release(size)
        return piece

    def drop(self):
        """Lets the host use the unread bytes again."""
        size, self.size = self.size, 0
        self._conn.release(size)
