"""The worker process: from its arguments to its exit."""

import gc
import marshal
import os
import sys
import types
from time import perf_counter

from . import (
    beside,
    bytecode,
    entry,
    gil,
    interrupt,
    lifeline,
    pauses,
    stacks,
    stdio,
    values,
    wire,
)
from .sharedbuffer import open_buffers
from .control import Control
from .failure import Failure
from .conn import Conn
from .environ import environ_for
from .probe import Probe
from .servingthread import join
from .signals import Signals

_CONTROL_FD = 3
_FIRST_REQUEST_FD = 4
_IMPLEMENTATIONS = {"cpython": "CPython", "pypy": "PyPy"}  # as the module platform writes them
_LOOK_MILLISECONDS = 10  # between two looks at threads that have requests of several hosts
_LONGEST_REPORT = 900_000  # bytes; the host passes it on with more in the same frame


def main(arguments, folder):
    """Runs the worker and returns its exit code."""
    options = dict(zip(arguments[::2], arguments[1::2]))
    bytecode.write_only_settled()
    _leave_no_trace(folder)
    forked = None
    if "--template" in options:
        from . import template

        forked = template.serve()
        if forked is None:
            return 0
        options = dict(zip(forked.arguments[::2], forked.arguments[1::2]))
        if "--scope" in options:
            os.environ["MODGW_SCOPE"] = options["--scope"]  # of this worker, not of its template
    count = int(options["--connections"])
    held = int(options["--lifeline"])
    fds = range(_FIRST_REQUEST_FD, _FIRST_REQUEST_FD + count)
    first = int(options.get("--shared", 0))
    buffer_fds = range(first, first + int(options.get("--sharing", 0)))
    values_fd = int(options.get("--values", -1))
    pauses_fd = int(options.get("--pauses", -1))
    shared = [fd for fd in (*buffer_fds, values_fd, pauses_fd) if fd >= 0]
    for fd in (_CONTROL_FD, *fds, held, *shared):
        os.set_inheritable(fd, False)
    lifeline.hold(held)
    if pauses_fd >= 0:
        pauses.share(pauses_fd)
    if values_fd >= 0:
        values.prepare()
        values.share(values_fd)
    errors = stdio.prepare()
    worker = Worker(Control(_CONTROL_FD), fds, buffer_fds, errors, forked, "--report" in options)
    code = worker.run()
    telemetry = sys.modules.get(__package__ + ".telemetry")
    if telemetry:
        telemetry.finish()
    return code


def _leave_no_trace(folder):
    """Makes the process look to the app as if only the app had been started in it."""
    sys.path[:] = [path for path in sys.path if path != folder]
    # Pickles of __main__ and the spawn method of multiprocessing would otherwise load the worker;
    # see script.py.
    sys.modules["__main__"] = types.ModuleType("__main__")


def make_conns(fds, buffers, app, environ, errors, control, probe=None):
    """The connections of a WSGI app to a host. errors is the descriptor for wsgi.errors."""
    for number, (fd, buffer) in enumerate(zip(fds, buffers), 1):
        own = dict(environ)
        own["wsgi.errors"] = stdio.ErrorStream(errors)
        yield Conn(number, fd, buffer, app, own, control, probe)


def introduction(name):
    """The Ready message of every worker; name is the name of the callable."""
    python = sys.implementation.name
    version = "%s %s" % (_IMPLEMENTATIONS.get(python, python), sys.version.split()[0])
    return {"pid": os.getpid(), "python": version, "callable": name}


class Host:
    """A host that the worker serves."""

    def __init__(self, control):
        self.control = control
        self.conns = []  # connections for requests, by thread


class Worker:
    """The process: its hosts, its connections, and the app.

    It has one host, and two while one replaces the other: each has a control connection, and a
    connection to each thread or to the event loop. It ends when the last one has gone, or one of
    them sends Stop."""

    def __init__(self, control, fds, buffer_fds, errors, forked=None, reports=False):
        self._control = control
        self._forked = forked
        self._reports = reports
        self._loading = None
        self._starting = False  # whether the startup of an ASGI app's lifespan goes on
        self._obeying = None  # thread that obeys the host of an ASGI app
        self._fds = fds
        self._buffer_fds = buffer_fds  # descriptors of the memory that is shared
        self._buffers = []  # part of it for each connection
        self._errors = errors
        self._hosts = [Host(control)]
        self._conns = []  # connections of all hosts
        self._serving = None  # makes the connections of a further host
        self._looks = False  # whether threads are looked at again and again
        self._ready = {}  # the Ready message for every host
        self._signals = Signals(control)

    def run(self):
        """Loads the app, serves until the host sends Stop or is gone, and returns the exit code."""
        signals = self._signals
        os.register_at_fork(
            before=signals.hold,
            after_in_parent=signals.release,
            after_in_child=self._close_in_child,
        )
        message = self._control.receive()
        if message is None or message[0] != wire.START:
            return 0
        start = marshal.loads(message[1])
        self._buffers = open_buffers(start, self._buffer_fds)
        self._control.explain_exceptions(start)
        self._signals.install()
        self._watch()
        gil.watch(self._control)
        loop = None
        if start["kind"] == "asgi":
            import asyncio

            from .loop import new_loop

            loop = new_loop()
            # An app that asks for it while it is imported gets the one that it will run in.
            asyncio.set_event_loop(loop)
        green = start.get("gevent", False)
        try:
            if green:
                from . import greenletconn

                greenletconn.patch()
            app, name = entry.load(start)
            if "authorize" in start:
                from . import authorizer

                app = authorizer.guard(app, start)
            if self._loading:
                self._loading.leave()
            unsuitable = self._forked.unsuitable() if self._forked else ""
            if unsuitable:
                self._fail(entry.LoadError("template", Failure(RuntimeError(unsuitable))))
            if self._control.explain:
                from .propagate import adapt

                app = adapt(app)
            self._signals.restore()
            self._open_connections(app, start, loop)
        except entry.LoadError as failed:
            self._give_up(failed)
            return 0
        self._ready = {**introduction(name), "interrupt": interrupt.is_possible()}
        if self._serving is not None:
            self._ready["joins"] = wire.JOIN_VERSION
        self._introduce(self._control, self._buffers)
        if loop is not None:
            self._conns[0].serve()
            self._obeying.join()
            signals.poke = None
            return 0
        if len(self._conns) == 1 and not green:
            self._conns[0].serving.serve_beside(self._obey_host)
            return 0
        for conn in self._conns:
            conn.start()
        if green:
            greenletconn.beside(self._obey_host, self._signals)
        else:
            self._obey_host()
        for conn in self._conns:
            conn.stop()
        for conn in self._conns:
            conn.thread.join()
        return 0

    def _give_up(self, failed):
        """Sends the host the reason why there is no app, unless it was told to stop."""
        if not self._signals.stopping:
            self._fail(failed)

    def _fail(self, failed):
        self._control.send_failed(failed)
        stdio.flush()
        os._exit(1)  # Threads that the app may have left must not hold this up.

    def _watch(self):
        if self._reports:
            from . import modules

            self._loading = modules.Loading(self._forked.order() if self._forked else ())
            self._loading.enter()

    def _introduce(self, control, buffers):
        """Informs a host that it may send requests, and of the modules that were loaded."""
        control.send_dict(wire.READY, {**self._ready, "buffer": buffers[0] is not None})
        if self._loading:
            payload = marshal.dumps(self._loading.report(), wire.MARSHAL_VERSION)
            if len(payload) <= _LONGEST_REPORT:
                control.send(wire.EVENT, payload)

    def _open_connections(self, app, start, loop):
        if loop is not None:
            from .loop import Loop

            conn = Loop(loop, self._fds[0], self._buffers[0], app, start, self._control)
            self._conns.append(conn)
            self._serving = start, app
            self._signals.poke = conn.poke
            self._starting = True
            self._obeying = beside.start(self._obey_host, conn.stop)
            entry.start(conn)
            self._starting = False
            loop.run_until_complete(self._signals.restore_in_loop(loop))
            return
        if start.get("gevent", False):
            from .greenletconn import GreenletConn

            environ = environ_for(start, start["concurrency"])
            environ["wsgi.errors"] = stdio.ErrorStream(self._errors)
            self._conns.append(GreenletConn(self._fds[0], app, environ, self._control))
            return
        environ = environ_for(start, len(self._fds))
        probe = Probe() if len(self._fds) > 1 and gil.is_built_in() else None
        self._serving = start, app
        self._conns.extend(
            make_conns(
                self._fds, self._buffers, app, environ, self._errors, self._control, probe
            )
        )
        if probe is not None and pauses.lock.shared:
            watch = pauses.LockWatch(self._conns)
            for conn in self._conns:
                conn.watch = watch

    def _obey_host(self):
        """Obeys the hosts' frames on their control connections, until the worker is to stop."""
        self._hosts[0].conns = self._conns[:]
        while True:
            host = self._signals.wait(self._hosts, self._look)
            message = host and host.control.receive()
            if message is None and host and len(self._hosts) > 1:
                self._leave(host)
                continue
            if message is None or message[0] == wire.STOP:
                self._signals.stopping = True
                return
            if message[0] == wire.JOIN:
                self._join(host)
            elif message[0] == wire.UNQUEUE:
                self._unqueue(host, message[1])
            elif message[0] == wire.COLLECT:
                self._collect(host.control)
            elif message[0] == wire.INTERRUPT:
                self._interrupt(host, message[1])
            elif message[0] == wire.DUMP and message[1] and self._starting:
                self._fail(entry.LoadError("startup late", self._conns[0].standstill()))
            elif message[0] == wire.LOCATE:
                stacks.locate(host.control, host.conns, message[1].decode("utf-8", "replace"))
            elif message[0] == wire.DUMP:
                stacks.dump_or_probe(
                    host.control, self._conns, message[1].decode("utf-8", "replace")
                )

    def _collect(self, control):
        """Collects the garbage of the app, which will have no request for long, in a thread that
        may run its finalizers, and informs the host that asked for it."""
        loop = getattr(self._conns[0], "loop", None)
        if loop is not None:
            loop.call_soon_threadsafe(_collect_here, control)
        elif "gevent" in sys.modules:
            control.send(wire.COLLECT)  # This thread has no hub to run them in.
        else:
            _collect_here(control)

    def _join(self, host):
        """Serves another host too, whose connections a host passes: its control connection, one for
        each that the worker has, and the memory that they share, if there is any."""
        first, *fds = host.control.descriptors
        host.control.descriptors = []
        start, app = self._serving
        own = self._hosts[-1].conns
        other = Host(Control(first))
        other.control.explain = self._control.explain
        buffers = open_buffers(start, fds[len(own) :])
        del fds[len(own) :]

        def joined():
            self._introduce(other.control, buffers)

        self._hosts.append(other)
        if start["kind"] == "asgi":
            other.conns = own
            own[0].join(fds[0], buffers[0], other.control, joined)
            return
        environ = environ_for(start, len(fds))
        other.conns = list(make_conns(fds, buffers, app, environ, self._errors, other.control))
        self._conns.extend(other.conns)
        join(own, other.conns, joined, self._begun)
        host.control.send(wire.JOIN)

    def _begun(self):
        """Has it seen to that no request waits behind one of another host, which has begun."""
        if not self._looks:
            self._signals.wake()

    def _look(self):
        """Lets threads give way, and returns when to look again; None: when a request begins."""
        looked = self._looks
        self._looks = False  # before the threads are looked at, which look at this after they began
        alone = len(self._hosts) == 1
        if alone and not looked or self._serving[0]["kind"] == "asgi":
            return None
        now, conns = perf_counter(), self._hosts[-1].conns
        busy = [conn.serving.give_way(now) for conn in conns]
        # A thread may be busy for a host that has just gone.
        over = alone and not any(conn.away or len(conn.serving.conns) > 1 for conn in conns)
        self._looks = any(busy) and not over
        return _LOOK_MILLISECONDS if self._looks else None

    def _leave(self, host):
        """Forgets a host that has gone."""
        self._hosts.remove(host)
        host.control.leave(self._hosts[0].control)
        for conn in host.conns:
            if conn not in self._hosts[0].conns:
                self._conns.remove(conn)
        if self._serving[0]["kind"] == "asgi":
            host.conns[0].leave()
        elif len(self._hosts) == 1:
            for conn in self._hosts[0].conns:
                conn.began = None

    def _interrupt(self, host, asked):
        """Raises an exception in the app for a request whose time is up."""
        number, stream = wire.INTERRUPT_PAYLOAD.unpack_from(asked)
        reason = asked[wire.INTERRUPT_PAYLOAD.size :].decode("utf-8", "replace")
        host.conns[number].interrupt(stream, reason, host.control)

    def _unqueue(self, host, asked):
        """Gives back the requests on a connection whose thread is busy for long."""
        number, busy = wire.UNQUEUE_PAYLOAD.unpack(asked)
        conn = host.conns[number]
        if conn.is_finishing(busy):
            conn.step_aside()
            return
        streams = conn.unqueue(busy)
        if streams or busy and streams is not None:
            flags = wire.END if conn.has_computed(busy) else 0
            host.control.tell(wire.UNQUEUED, wire.given_back(number, streams), flags)

    def _close_in_child(self):
        """Leaves the connections and signals of the parent alone; runs in every child that the app
        forks."""
        for host in self._hosts:
            host.control.close_in_child()
        for conn in self._conns:
            conn.close_in_child()
        self._signals.reset()
        self._signals.release()


def _collect_here(control):
    gc.collect()
    control.send(wire.COLLECT)
