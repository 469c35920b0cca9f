"""Ends a request whose time is up by an exception in the thread that runs it."""

import importlib.util
import itertools
import sys
from _thread import get_ident
from time import sleep

from . import stacks
from .failure import is_machinery, place_of

_PAUSE = 0.0001  # seconds between two looks at another thread's progress


class RequestTimeout(BaseException):
    """Raised in the thread of a request that has taken longer than timeouts { request } allows.

    The client has got its answer by then. An app may catch it to tidy up, and should raise it
    again: the worker is replaced when the request has not ended within timeouts { interrupt }. It
    derives from BaseException alone, so that "except Exception" does not stop it. Apps import it
    from the module mod_wsgi."""


def is_possible():
    """Whether this Python can raise an exception in another thread; PyPy cannot."""
    return sys.implementation.name == "cpython" and importlib.util.find_spec("_ctypes") is not None


class Interruptible:
    """A thread that runs requests. Another thread can interrupt the request that it names.

    Python delivers an exception for another thread at the next instruction of that thread which
    calls or jumps. It must not arrive after the thread has left the app's code, where it would cut
    a frame in two or end the next request. So each of the two threads writes first and then reads:
    the interrupting thread counts in asked before it looks whether the other thread is inside, and
    that thread leaves before it looks at asked. In any order, one of them sees the other: either
    nothing is raised, or the thread waits in settle and removes an exception that has not arrived.
    Entering works the same with the request's cancelled, which the thread checks after it has
    entered."""

    # The thread alone writes these two.
    inside = False  # whether it runs code of the app
    settled = 0  # interruptions of which nothing can arrive any more

    # The thread that interrupts alone writes these two.
    asked = 0  # interruptions that have begun
    answered = 0  # interruptions of which it is known whether they raise an exception

    def interrupt(self, stream, reason, control):
        """Raises RequestTimeout in the thread if it runs the app for the stream, and logs where.

        In code of the worker's own the thread sees by the request's cancelled that it is over. It
        is for the thread that obeys the host."""
        self.asked += 1
        found = None
        try:
            exchange = self.current
            if exchange is None or exchange.stream != stream:
                return  # It has gone on.
            exchange.cancelled = reason
            frames = [*itertools.dropwhile(_is_machinery, stacks.running(self.thread.ident))]
            if self.inside and self.current is exchange:
                _set_exception(self.thread.ident, RequestTimeout)
            found = exchange
        finally:
            self.answered += 1
        if found is not None:
            file, line = place_of(frames)
            control.log(
                "warning",
                "request interrupted: " + reason,
                traceback=stacks.text_of(frames),
                request=found.environ.get("modgw.request_id", ""),
                trace=found.environ.get("HTTP_TRACEPARENT", ""),
                file=file,
                line=line,
            )

    def settle(self):
        """Waits for an exception that another thread is about to raise, and removes it if it has
        not arrived.

        The thread itself calls it after it has left the app's code. An exception that arrives just
        as this begins comes out of it."""
        while self.settled != self.asked:
            try:
                asked = self.asked
                while self.answered < asked:
                    sleep(_PAUSE)
                _remove_exception()
                self.settled = asked
            except RequestTimeout:
                pass  # It has arrived here, where it does no harm.

    def step_out(self):
        """Leaves the app's code, which has called the worker; False where it is not there."""
        if not self.inside or get_ident() != self.thread.ident:
            return False
        self.inside = False
        if self.settled != self.asked:
            self.settle()
        return True

    def step_in(self):
        """Goes back to the app's code. The request's cancelled must be looked at then."""
        self.inside = True


def _is_machinery(frame):
    return is_machinery(frame.f_code.co_filename)


def _remove_exception():
    """Removes the exception that has not arrived in this thread yet, if there is one."""
    _set_exception(get_ident())


def _set_exception(ident, *kind):
    """Sets the exception that is about to arrive in a thread; without a kind there is none."""
    try:
        import ctypes  # It takes memory that few workers need.
    except ImportError:
        return  # Its worker is replaced if the request does not end.
    ctypes.PyDLL(None).PyThreadState_SetAsyncExc(ctypes.c_ulong(ident), ctypes.py_object(*kind))
