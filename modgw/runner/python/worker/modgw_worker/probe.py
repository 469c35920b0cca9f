"""Finds out whether a request leaves the interpreter to other threads while it computes."""

import threading
from time import perf_counter, sleep

_STEP = 0.0001  # seconds between two tries
_FREE = 0.0003  # longest duration in seconds of a try if the interpreter is free
# seconds of a request that are sampled, because repeated tries take turns from others
_LONGEST = 0.003


class Probe:
    """A thread that tries again and again to get the interpreter while one request runs. All
    connections of a worker share it."""

    def __init__(self):
        self._owner = None  # whose request it looks at
        self._free = 0.0  # seconds during which it got the interpreter at once
        self._begin = threading.Lock()
        self._begin.acquire()
        self._thread = None
        self._hopeless = False  # whether there is no room for a thread

    def begin(self, owner):
        """Begins to look at a request, unless there is another one."""
        if self._owner is not None or self._hopeless:
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="modgw-probe", daemon=True)
            try:
                self._thread.start()
            except RuntimeError:
                self._hopeless = True
                return
        self._owner, self._free = owner, 0.0
        try:
            self._begin.release()
        except RuntimeError:
            pass  # It has not come to look at the last one yet, and now sees this one.

    def end(self, owner, took):
        """The share of a request's time, of so many seconds, in which others could have had the
        interpreter.

        It is None when another request was looked at."""
        if self._owner is not owner:
            return None
        self._owner = None
        return min(self._free / min(took, _LONGEST), 1.0)

    def _run(self):
        while True:
            self._begin.acquire()
            owner, last = self._owner, perf_counter()
            end = last + _LONGEST
            while owner is not None and self._owner is owner and last < end:
                sleep(_STEP)
                now = perf_counter()
                if now - last < _FREE and self._owner is owner:
                    self._free += now - last
                last = now
