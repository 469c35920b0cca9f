"""How long the interpreter keeps requests waiting, in memory that the worker shares with the host:
pauses for garbage collection, waits for the global interpreter lock, and the lag of an event loop.

Nothing is measured while there are no requests, so that an idle worker sleeps.
"""

import gc
import os
import threading
from bisect import bisect_left
from time import perf_counter, sleep

from .sharedbuffer import map_memory

_SIZE = 4096
_MAGIC = 0x31554150574D
_FIRST = 8  # the word where the kinds begin
_WORDS = 16  # of each kind
_BUCKETS = 4  # the word of a kind where its buckets begin
_BOUNDS = (0.00025, 0.001, 0.005, 0.025, 0.1, 0.5, 2.5)  # seconds, of all buckets but the last


class Pauses:
    """Counts pauses of one kind. One thread at a time may add some."""

    __slots__ = ("shared", "_first", "_counts", "_seconds", "_sum", "_longest")

    def __init__(self, kind):
        self._first = _FIRST + kind * _WORDS
        self._sum = self._longest = 0.0
        self.write_to(bytearray(_SIZE))

    def write_to(self, memory, shared=False):
        """Has further pauses counted in other memory, which the host reads if it is shared."""
        self.shared = shared
        view = memoryview(memory)
        # A word is written as a whole, so that the host never reads half of one.
        self._counts, self._seconds = view.cast("Q"), view.cast("d")

    def measured(self):
        """Records that pauses of this kind are being counted."""
        self._counts[self._first] = 1

    def add(self, seconds):
        """Counts a pause."""
        first = self._first
        self._sum = self._seconds[first + 1] = self._sum + seconds
        if seconds > self._longest:
            self._longest = self._seconds[first + 2] = seconds
        self._counts[first + _BUCKETS + bisect_left(_BOUNDS, seconds)] += 1


collector = Pauses(0)
lock = Pauses(1)
loop = Pauses(2)


def share(fd):
    """Has all pauses counted in the memory of a descriptor, which is closed, and begins with those
    for garbage collection, where Python reports them."""
    memory = map_memory(fd, _SIZE)
    if memory is None:
        return
    for pauses in (collector, lock, loop):
        pauses.write_to(memory, shared=True)
    memoryview(memory).cast("Q")[0] = _MAGIC
    os.register_at_fork(after_in_child=_leave)
    if hasattr(gc, "callbacks"):  # PyPy has none.
        collector.measured()
        gc.callbacks.append(_Collections().note)


def _leave():
    """Lets a forked child count for itself: the memory is its parent's."""
    for pauses in (collector, lock, loop):
        pauses.write_to(bytearray(_SIZE))


class _Collections:
    """Measures garbage collections, of which there is one at a time."""

    def __init__(self):
        self._begin = 0.0

    def note(self, phase, _):
        if phase == "start":
            self._begin = perf_counter()
        elif self._begin:
            collector.add(perf_counter() - self._begin)
            self._begin = 0.0


_TRY = 0.05  # seconds between two tries to get the lock
_AT_ONCE = 0.00015  # seconds that a thread may wake up late though nothing keeps the lock


class LockWatch:
    """Measures how long a thread that is ready to run waits for the global interpreter lock.

    A thread tries to get it again and again while other threads run requests. The delay of its
    wake-up is the time that each of them waits when it comes back from waiting for something else.
    Time for which it waited for a processor, and not for the lock, is not counted if the kernel
    reports it."""

    def __init__(self, conns):
        self._conns = conns  # whose requests the threads run
        self._asleep = True  # whether the thread waits for wake
        self._begin = threading.Lock()
        self._begin.acquire()
        self._thread = None

    def wake(self):
        """Has it measured while requests run. Threads call it now and then when they begin one."""
        if not self._asleep:
            return
        self._asleep = False
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="modgw-lock", daemon=True)
            try:
                self._thread.start()
            except RuntimeError:
                return  # There is no room for a thread: nothing is measured then.
            lock.measured()
        try:
            self._begin.release()
        except RuntimeError:
            pass  # Another thread has just done it.

    def _run(self):
        queued = _Queued()
        while True:
            self._begin.acquire()
            before = queued.seconds()
            while any(conn.current is not None for conn in self._conns):
                begin = perf_counter()
                sleep(_TRY)
                late = perf_counter() - begin - _TRY
                after = queued.seconds()
                late -= after - before
                before = after
                lock.add(late if late > _AT_ONCE else 0.0)
            self._asleep = True


class _Queued:
    """How long the thread that makes it has waited for a processor, by the kernel's count."""

    def __init__(self):
        try:
            name = "/proc/self/task/%d/schedstat" % threading.get_native_id()
            self._file = os.open(name, os.O_RDONLY | os.O_CLOEXEC)
        except (AttributeError, OSError):
            self._file = -1

    def seconds(self):
        """It is 0 where the kernel does not count it."""
        if self._file < 0:
            return 0.0
        try:
            return int(os.pread(self._file, 100, 0).split()[1]) / 1e9
        except (OSError, IndexError, ValueError):
            return 0.0


_TICK = 0.1  # seconds between two looks at an event loop
_TIMER = 0.002  # seconds by which a timer may be late though nothing blocks its loop
_MOST_QUIET = 300  # looks at an idle loop: a WebSocket may be open forever


class LagWatch:
    """Measures how late an event loop is.

    Its timer runs while something comes from the host, and for a while longer while it has
    requests. It is for the thread of the loop."""

    def __init__(self, call_later, tasks):
        self._call_later = call_later  # of the loop
        self._tasks = tasks  # tasks of the requests that are not answered
        self._due = 0.0  # when the timer is due; 0: it does not run
        self._heard = False  # whether something has come since it was set
        self._quiet = 0  # how often it was due since something has come
        loop.measured()

    def note(self):
        """Starts a measurement because the host has sent something."""
        self._heard = True
        if not self._due:
            self._set()

    def blocked(self, now):
        """For how many seconds the timer is overdue; for another thread."""
        due = self._due
        return now - due if due else 0.0

    def _set(self):
        self._due = perf_counter() + _TICK
        self._call_later(_TICK, self._tick)

    def _tick(self):
        late = perf_counter() - self._due
        loop.add(late if late > _TIMER else 0.0)
        self._quiet = 0 if self._heard else self._quiet + 1
        if self._heard or self._tasks and self._quiet < _MOST_QUIET:
            self._heard = False
            self._set()
        else:
            self._due = 0.0
