"""Gives requests back that wait for a thread, so that the host lets another one have them."""

import socket
import time
from time import perf_counter

from . import wire

_RECEIVE = 64 << 10  # bytes asked of one recv
# the share of its time that a thread computes which keeps the interpreter from others
_COMPUTED = 0.3

_cpu_clock_of = getattr(time, "pthread_getcpuclockid", None)  # PyPy has none.


class Requeuing:
    """A connection whose requests can be given back. All methods are for other threads, but
    come_back, which is for the connection's own too."""

    def unqueue(self, busy):
        """Returns the streams of the requests that the thread has not begun and now never will; for
        another thread.

        It is None if the thread has left the stream that it was busy with when the host asked,
        unless that is 0. A thread that computes keeps the interpreter, and the other one runs when
        it waits, has gone on, or computes for long. Answers that the thread has collected are sent:
        it may be busy for long."""
        current = self.current
        if busy and not self._answers and (current is None or current.stream != busy):
            return None
        if self._receiving.acquire(False):
            try:
                self._append(self.socket.recv(_RECEIVE, socket.MSG_DONTWAIT))
            except OSError:
                pass  # There is nothing more, or the host has gone.
            finally:
                while self._take_frame(wire.REQUEST):
                    pass  # Other frames are for the thread, which may be about to wait for one.
                self._receiving.release()
        streams = []
        with self._searching:
            while self._queue:
                try:
                    exchange = self._queue.pop()
                except IndexError:
                    break  # The thread has just taken it.
                if not exchange.whole:
                    self._queue.append(exchange)
                    break
                streams.append(exchange.stream)
        if self._sending.acquire(False):
            try:
                self._send_answers()
            except OSError:
                pass  # The thread will see it.
            finally:
                self._sending.release()
        return streams

    def is_finishing(self, busy):
        """Whether the app continues a request whose response is complete, while the stream that the
        host asks about waits; for the control thread."""
        current = self.current
        return busy != 0 and current is not None and current.ended and current.stream != busy

    def step_aside(self):
        """Gives back the requests that wait for the app to finish a request whose response is
        complete, and stops the host from sending more until it has; for the control thread."""
        finishing = self.current
        streams = self.unqueue(0)
        given_back = wire.given_back(self.number, streams)
        with self._searching:
            # Set before current is looked at: the thread looks at it after it has gone on.
            away, self.away = self.away, True
            if finishing is not None and self.current is finishing:
                self.control.tell(wire.JOIN, given_back)
                return
            self.away = away
        if streams:
            self.control.tell(wire.UNQUEUED, given_back)

    def wait_behind(self):
        """Gives back the requests that wait behind a request of another host, and stops this host
        from sending more until come_back; for the control thread."""
        streams = self.unqueue(0)
        if streams or not self.away:
            with self._searching:
                self.away = True
                self.control.tell(wire.JOIN, wire.given_back(self.number, streams))

    def come_back(self):
        """Informs the host that the thread is no longer busy with something else, unless the app
        continues a request whose response is complete."""
        with self._searching:
            current = self.current
            if self.away and (current is None or not current.ended):
                self.away = False
                self.control.tell(wire.JOIN, wire.given_back(self.number, ()), wire.END)

    def has_computed(self, busy):
        """Whether the thread has computed since the last question about the same stream; for the
        control thread."""
        if _cpu_clock_of is None:
            return False
        asked = self._asked
        cpu, now = time.clock_gettime(_cpu_clock_of(self.thread.ident)), perf_counter()
        self._asked = (busy, cpu, now)
        return busy != 0 and asked[0] == busy and cpu - asked[1] > _COMPUTED * (now - asked[2])
