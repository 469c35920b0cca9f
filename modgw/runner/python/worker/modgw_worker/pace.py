"""How long the requests of a thread take of late, and how much of that time it computes."""

import resource
from time import perf_counter

from . import wire

APART = 0.0002  # seconds of requests for which one sample is taken
_CREDIT = 8  # samples that a slow request makes due at most
_AVERAGED = 0.125  # how much one request or sample counts in its average
_SLOW = 0.004  # seconds that a request counts with at most, so that a single slow one is forgotten soon

_THREAD = getattr(resource, "RUSAGE_THREAD", 1)  # PyPy does not name it.
_getrusage = resource.getrusage


class Pace:
    """What a thread measures of itself. Reading its CPU time costs a system call, so that it takes samples.

    A sample is a piece of a request without sending: a thread that sends lets go of the interpreter, and may wait for it. A
    thread that did not give up its processor by itself has waited for nothing, however long others had that processor."""

    __slots__ = ("due", "average", "sending", "sample", "_computing", "_since")

    def __init__(self):
        self.due = APART  # seconds of requests of which there is no sample
        self.average = 0.0  # seconds that the recent requests have needed
        self.sending = 0.0  # seconds of the current request that were spent sending
        self.sample = None  # the thread's resource usage when the sample began; None: none is being taken
        self._computing = 1.0  # the share of the samples' time that the thread has computed
        self._since = 0.0  # when the sample began

    def value(self):
        """What the host is told."""
        pace = min(int(self.average * wire.PACE_UNITS) + 1, wire.MAX_PACE)
        return int(self._computing * wire.CPU_UNITS) << 8 | pace

    def begin_sample(self):
        self.sample = _getrusage(_THREAD)
        self._since = perf_counter()

    def end_sample(self):
        took = perf_counter() - self._since
        before, after = self.sample, _getrusage(_THREAD)
        self.sample = None
        self.due -= APART
        share = 1.0
        if after.ru_nvcsw != before.ru_nvcsw:
            cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
            share = min(cpu / took, 1.0)
        self._computing += (share - self._computing) * _AVERAGED

    def count(self, took):
        """Takes note of a request that took so many seconds, and returns those without sending."""
        took -= self.sending
        self.sending = 0.0
        if self.sample is not None:
            self.end_sample()
        self.due = min(self.due + took, _CREDIT * APART)
        self.average += (min(took, _SLOW) - self.average) * _AVERAGED
        return took

    def send(self, send):
        """Sends something in the midst of a request, which is no part of a sample."""
        sampled = self.sample is not None
        if sampled:
            self.end_sample()
        begin = perf_counter()
        send()
        self.sending += perf_counter() - begin
        if sampled or self.due >= APART:
            self.begin_sample()
