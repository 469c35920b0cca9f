"""The memory that the host shares with the worker, through which large bodies pass without the kernel's copies."""

import collections
import os

from . import wire

_WINDOW = wire.AREA_WINDOW
_PLOT_SIZE = 2 * _WINDOW

SLOT = wire.INITIAL_WINDOW // 2  # bytes of a slot: the host passes one on while the next is filled


def open_shares(start, fd):
    """Maps the area with the descriptor, which is closed, and returns what each lane has of it: None if that is impossible."""
    shared = start["kind"] == "asgi"
    lanes = 1 if shared else start["threads"]
    try:
        import mmap  # not everybody needs it, or has it

        memory = mmap.mmap(fd, wire.SHELF_SIZE if shared else lanes * _PLOT_SIZE)
    except (ImportError, OSError, ValueError):
        return [None] * lanes
    finally:
        os.close(fd)
    return [Shelf(memory)] if shared else [Plot(memory, number * _PLOT_SIZE) for number in range(lanes)]


class Plot:
    """What one lane has of the area: a half that responses are put in, and one that the host puts requests in."""

    __slots__ = ("memory", "responses", "requests", "_next", "_free", "_unreported")

    def __init__(self, memory, start):
        self.memory = memory
        self.responses = start  # where they begin
        self.requests = start + _WINDOW
        self._next = 0  # where the next piece of a response goes
        self._free = _WINDOW  # bytes of responses that are not lent to the host
        self._unreported = 0  # bytes of requests that were read and not told to the host

    def room(self, most):
        """How long the next piece of a response can be."""
        return min(most, self._free, _WINDOW - self._next)

    def lend(self, piece, size):
        """Puts a piece of a response there, for which there must be room, and returns its offset."""
        offset = self._next
        start = self.responses + offset
        self.memory[start : start + size] = piece
        self._next = (offset + size) % _WINDOW
        self._free -= size
        return offset

    def regain(self, size):
        """Takes back what the host has passed on."""
        self._free += size
        if self._free == _WINDOW:
            self._next = 0

    def returned(self, size):
        """Counts bytes of a request that were read, and returns how many to tell the host of now."""
        self._unreported += size
        if self._unreported < _WINDOW // 2:
            return 0
        size, self._unreported = self._unreported - 1, 1  # All is told only when the app waits.
        return size

    def unreported(self):
        """How many bytes of a request were read of which the host was not told, to be told now."""
        size, self._unreported = self._unreported, 0
        return size


class Shelf:
    """Slots for pieces of responses. One that was used last is given out first: it is still in the processor's cache."""

    def __init__(self, memory):
        self._memory = memory
        self._free = list(range(wire.SHELF_SIZE - SLOT, -1, -SLOT))
        self._lent = {}  # to the streams: how many bytes were given back since, and pairs (of those when it is free, slot)

    def lend(self, stream, piece, size, due):
        """Puts a piece there and returns its offset; None without a free slot.

        Its slot is free again when so many bytes that are due, the piece's own at last, were given back to the stream."""
        if not self._free:
            return None
        slot = self._free.pop()
        self._memory[slot : slot + size] = piece
        lent = self._lent.get(stream)
        if lent is None:
            lent = self._lent[stream] = [0, collections.deque()]
        lent[1].append((lent[0] + due, slot))
        return slot

    def regain(self, stream, size):
        """Takes note that the host has given bytes back to a stream, which may have ended."""
        lent = self._lent.get(stream)
        if lent is None:
            return
        lent[0] += size
        pieces = lent[1]
        while pieces and pieces[0][0] <= lent[0]:
            self._free.append(pieces.popleft()[1])
        if not pieces:
            del self._lent[stream]


class Loan:
    """A piece of a request's body, which lies in the plot until it is read."""

    __slots__ = ("size", "_lane", "_memory", "_start")

    def __init__(self, lane, offset, size):
        self.size = size  # that is left
        self._lane = lane
        self._memory = lane.plot.memory
        self._start = lane.plot.requests + offset

    def read(self, size):
        """Takes so many bytes from its beginning, as one object that is copied once."""
        start = self._start
        self._start = end = start + size
        self.size -= size
        piece = self._memory[start:end]
        self._lane.give_back(size)
        return piece

    def drop(self):
        """Lets the host use again what nobody has read."""
        size, self.size = self.size, 0
        self._lane.give_back(size)
