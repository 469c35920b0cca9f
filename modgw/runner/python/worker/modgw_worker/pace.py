"""How long the requests of a thread take of late, and how much of that time it keeps the
interpreter."""

import resource
from time import perf_counter

from . import wire

APART = 0.001  # seconds of requests after which one is a sample
# seconds that one request counts with there: of slow ones every fourth is a sample
_MOST = APART / 4
_AVERAGED = 0.125  # how much one request counts in the average
_SAMPLED = 0.25  # how much one sample counts in its average
_PROBED = 4  # of so many samples one is probed
_LITTLE = 0.2  # share of its time that a thread computes which needs no probe
# seconds that a request counts with at most, so that a single slow one is forgotten soon
_SLOW = 0.004

_THREAD = getattr(resource, "RUSAGE_THREAD", 1)  # PyPy does not name it.
_getrusage = resource.getrusage


class Pace:
    """A thread's measurements of itself. Reading its CPU time costs a system call, so it takes
    samples.

    A sample is a piece of a request without sending: a thread that sends releases the interpreter,
    and may wait for it. A thread that did not give up its processor by itself has waited for
    nothing, regardless of how long others had that processor. Native code may release the
    interpreter while it computes, which a probe detects."""

    __slots__ = (
        *("due", "average", "sending", "sample"),
        *("_probe", "_probed", "_samples", "_free", "_computing", "_parity", "_since"),
    )

    def __init__(self, probe=None):
        self._probe = probe  # None: there are no other threads
        self._probed = False  # whether this sample is probed
        self._samples = 0
        # the share of the samples' time that others could have had the interpreter
        self._free = 0.0
        self.due = APART  # seconds of requests since the last one that was a sample
        self.average = 0.0  # seconds that the recent requests have needed
        self.sending = 0.0  # seconds of the current request that were spent sending
        # the thread's resource usage when the sample began; None: none is being taken
        self.sample = None
        self._computing = 1.0  # the share of the samples' time that the thread has computed
        # of the stream that is a sample next, so that requests of two kinds that take turns are
        # both seen
        self._parity = 1
        self._since = 0.0  # when the sample began

    def value(self):
        """The value for the host."""
        pace = min(int(self.average * wire.PACE_UNITS) + 1, wire.MAX_PACE)
        return int(self._computing * (1.0 - self._free) * wire.CPU_UNITS) << 8 | pace

    def begin_sample(self, stream):
        """Begins with a request that may be the next sample."""
        if stream & 1 == self._parity:
            self._parity ^= 1
            self.due = 0.0
            self._samples += 1
            probes = self._probe is not None and self._samples % _PROBED == 0
            if probes and self._computing > _LITTLE:
                self._probed = True
                self._probe.begin(self)
            self._resume_sample()

    def _resume_sample(self):
        self.sample = _getrusage(_THREAD)
        self._since = perf_counter()

    def end_sample(self):
        took = perf_counter() - self._since
        before, after = self.sample, _getrusage(_THREAD)
        self.sample = None
        if self._probed:
            self._probed = False
            free = self._probe.end(self, took)
            if free is not None:
                self._free += (free - self._free) * _SAMPLED
        share = 1.0
        if after.ru_nvcsw != before.ru_nvcsw:
            cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
            share = min(cpu / took, 1.0)
        self._computing += (share - self._computing) * _SAMPLED

    def count(self, took):
        """Takes note of a request that took so many seconds, and returns those without sending."""
        if self.sending:
            took -= self.sending
            self.sending = 0.0
        if self.sample is not None:
            self.end_sample()
        self.due += took if took < _MOST else _MOST
        self.average += ((took if took < _SLOW else _SLOW) - self.average) * _AVERAGED
        return took

    def send(self, send):
        """Sends something in the midst of a request, which is no part of a sample."""
        sampled = self.sample is not None
        if sampled:
            self.end_sample()
        begin = perf_counter()
        send()
        self.sending += perf_counter() - begin
        if sampled:
            self._resume_sample()
