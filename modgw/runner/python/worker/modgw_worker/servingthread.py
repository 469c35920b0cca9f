"""The thread that serves requests. It has a connection to each host: to one, or to both while a
host is replaced by another one."""

import os
import threading
from select import POLLIN, poll  # which gevent replaces in the module

from . import beside

# a longer request of one host does not keep those of another host waiting
_LONG_SECONDS = 0.005


class ServingThread:
    """Serves the requests of its connections, one after another, until the last one has ended.

    It is a thread of its own once that was started, or the main thread in serve_beside. The methods
    join and give_way are for the control thread."""

    def __init__(self, conn, name):
        self.conns = [conn]
        self._control = conn.control
        self._joined = {}  # called when the thread first attends to a connection
        self._pid = os.getpid()
        self.thread = threading.Thread(target=self._run, name=name, daemon=True)

    def serve_beside(self, task):
        """Serves requests in this thread, while another one does the task; ends when both have
        ended.

        In the main thread an app may use signals: signal.alarm interrupts a long request, for
        example."""
        self.thread = threading.current_thread()
        obeying = beside.start(task, self._stop)
        self._run()
        obeying.join()

    def _stop(self):
        for conn in self.conns[:]:
            conn.stop()

    def join(self, other, joined, began):
        """Serves another host's connection too. Calls joined when it does, which is when it has
        next got something on an earlier one, and began when a request begins while there are
        several."""
        for conn in (other, *self.conns):
            conn.began = began
        other.serving = self
        other.watch = self.conns[0].watch
        self._joined[other] = joined
        self.conns.append(other)

    def give_way(self, now):
        """Lets no request wait for long behind one of another host: gives such requests back, and
        informs their hosts of it, and of its end. Returns whether the thread has a request."""
        conns = self.conns[:]
        serving = next((conn for conn in conns if conn.current is not None), None)
        late = serving is not None and now - serving.begun > _LONG_SECONDS
        for conn in conns:
            if late and conn is not serving:
                conn.wait_behind()
            elif conn.away and (conn is serving or serving is None):
                conn.come_back()
        return serving is not None

    def _run(self):
        try:
            self._serve()
        except BaseException as error:
            self._control.give_up(error)
        if os.getpid() != self._pid:
            # A child that the app forked came back from the request: only the parent answers it.
            os._exit(0)

    def _serve(self):
        conns = self.conns
        while conns:
            for conn in self._await_conns():
                if not conn.serve():
                    conns.remove(conn)
                    if conns:
                        conn.socket.close()

    def _await_conns(self):
        """The connections that may have a request; it waits where there are several."""
        conns = self.conns[:]
        if len(conns) == 1:
            return conns
        poller = poll()
        for conn in conns:
            poller.register(conn.socket, POLLIN)
            conn.idle = True
            if conn in self._joined:
                self._joined.pop(conn)()
        try:
            if any(conn.stopping for conn in conns):
                return conns
            ready = dict(poller.poll())
        except Exception as error:
            conns[0].survive(error)
            return []
        finally:
            for conn in conns:
                conn.idle = False
        return [conn for conn in conns if conn.socket.fileno() in ready]


def join(conns, others, joined, began):
    """Makes the threads of connections serve those of another host too. Calls joined when all do,
    and began as in ServingThread.join."""
    count = _Countdown(len(conns), joined)
    for conn, other in zip(conns, others):
        conn.serving.join(other, count.down, began)


class _Countdown:
    """Calls something when so many threads have counted."""

    def __init__(self, count, then):
        self._left = count
        self._then = then
        self._lock = threading.Lock()

    def down(self):
        with self._lock:
            self._left -= 1
            last = self._left == 0
        if last:
            self._then()
