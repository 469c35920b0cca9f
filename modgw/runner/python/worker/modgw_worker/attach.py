"""Serves an app from inside a debugger, an IDE or a test: this process dials in, where the host
starts none.

The process stays its own: its standard streams, signals, environment and working directory are left
alone.
"""

import asyncio
import contextlib
import marshal
import os
import socket
import sys
import threading
import time
import weakref

from . import entry, wire
from .sharedbuffer import open_buffers
from .control import Control
from .convention import as_asgi3
from .failure import describe
from .loop import LoopThread, new_loop
from .environ import environ_for
from .main import introduction, make_conns
from .signals import Stopped

_PAUSE = 0.3  # seconds between two attempts to reach a host that is not there
_PATIENCE = 5.0  # seconds that requests may take to their end when serving ends
_STDERR = 2


class Refused(Exception):
    """The host does not want this worker."""


def serve(app, address):
    """Serves app at address, "unix:PATH", until the host ends that. It may run in any thread.

    Raises OSError when no host is there, Refused when the host wants no worker now.
    """
    attachment = Attachment(address)
    try:
        attachment.serve(app)
    finally:
        attachment.close()


@contextlib.contextmanager
def serving(app, address):
    """Serves app in a thread of its own while the block runs.

    At its end WebSockets are closed with 1012, and requests have five seconds to be answered.
    """
    attachment = Attachment(address)
    thread = threading.Thread(
        target=attachment.serve, args=(app,), name="modgw-attached", daemon=True
    )
    thread.start()
    try:
        yield attachment
    finally:
        attachment.stop()
        thread.join()
        attachment.close()


class Attachment:
    """One connection to the host. It begins when the object is made; close ends it."""

    def __init__(self, address):
        self._control = _AttachedControl(_connect(address))
        self._conns = []
        self._loop = None  # of an ASGI app
        self._leaving = False  # whether stop was called
        self.closed = False
        self.message = None  # the host's Start message
        try:
            self.message = self._read_start()
        except BaseException:
            self._control.close()
            raise

    def load(self, named=""):
        """Loads the app that named names, or else the descriptor. Raises entry.LoadError, and
        informs the host."""
        self._control.explain_exceptions(self.message)
        if self.message["kind"] == "asgi":
            self._loop = new_loop()
            asyncio.set_event_loop(self._loop)
        try:
            app, _ = entry.load({**self.message, "entry": named or self.message["entry"]})
        except entry.LoadError as failed:
            self._control.send_failed(failed)
            raise
        return app

    def serve(self, app):
        """Serves app until the host sends Stop or is gone, or stop is called."""
        self._control.explain_exceptions(self.message)
        if self._control.explain:
            from .propagate import adapt

            app = adapt(app)
        _leave_alone_in_children(self)
        conns = 1 if self.message["kind"] == "asgi" else self.message["threads"]
        descriptors = self._control.descriptors
        buffers = open_buffers(self.message, descriptors[conns:])
        del descriptors[conns:]
        if self.message["kind"] == "asgi":
            try:
                self._open_loop(app, buffers[0])
            except Stopped:
                return
        else:
            self._open_connections(app, buffers)
        name = getattr(app, "__name__", type(app).__name__)
        ready = {**introduction(name), "buffer": buffers[0] is not None}
        self._control.send_dict(wire.READY, ready)
        self._obey_host()
        for conn in self._conns:
            conn.stop()
        for conn in self._conns:
            conn.thread.join(_PATIENCE if self._leaving else None)
        for conn in self._conns:
            if conn.thread.is_alive():
                conn.cut_off()
                # One that waits for something else ends with the process.
                conn.thread.join(2 * _PATIENCE)

    def _open_connections(self, app, buffers):
        environ = environ_for(self.message, len(buffers))
        environ["wsgi.multiprocess"] = False  # The debuggers of frameworks insist on it.
        fds, self._control.descriptors = self._control.descriptors, []
        self._conns.extend(make_conns(fds, buffers, app, environ, _STDERR, self._control))
        for conn in self._conns:
            conn.start()

    def _open_loop(self, app, buffer):
        loop = LoopThread(
            self._loop or new_loop(),
            self._control.descriptors.pop(0),
            buffer,
            as_asgi3(app),
            self.message,
            self._control,
        )
        self._loop = None  # It ends with this host.
        self._conns.append(loop)
        if self._leaving:
            loop.stop()  # stop has not seen it.
        try:
            loop.start()
        except Stopped:
            raise
        except BaseException as error:
            failed = describe(error, suspects=(app,))
            self._control.send_dict(wire.FAILED, entry.LoadError("startup", failed).fields)
            raise

    def stop(self):
        """Makes serve end when it has answered the requests that have arrived. Any thread may call
        it."""
        self._leaving = True
        for conn in self._conns:
            if isinstance(conn, LoopThread):
                conn.patience = _PATIENCE
                conn.stop()  # It may be in a startup that does not end.
        try:
            self._control.socket.shutdown(socket.SHUT_RD)
        except OSError:
            pass  # The host has ended it already.

    def close(self):
        """Lets go of the host. Requests that are not answered yet are cut off."""
        self.closed = True
        self._control.close()
        for conn in self._conns:
            if not conn.thread.is_alive():
                conn.socket.close()

    def close_in_child(self):
        """Lets go of the connections in a forked child, where they are the parent's to use."""
        self._control.close_in_child()
        for conn in self._conns:
            conn.close_in_child()

    def _read_start(self):
        received = self._control.receive()
        if received is None:
            raise Refused(
                "the host closed the connection; it lets in root, its own user and the user of "
                "the app"
            )
        kind, payload, _ = received
        if kind == wire.ABORT:
            raise Refused(payload.decode("utf-8", "replace"))
        if kind != wire.START:
            raise Refused("what answers there is no host of attached apps")
        return marshal.loads(payload)

    def _obey_host(self):
        """Obeys the host's frames on the control connection, until it sends Stop."""
        while True:
            message = self._control.receive()
            if message is None or message[0] == wire.STOP:
                return
            if message[0] == wire.DUMP:
                from . import stacks

                stacks.dump_or_probe(
                    self._control, self._conns, message[1].decode("utf-8", "replace")
                )


class _AttachedControl(Control):
    """A control connection whose log records are printed."""

    def __init__(self, connected):
        super().__init__(connected.detach())

    def log(self, level, message, traceback="", **more):
        super().log(level, message, traceback=traceback, **more)
        if level in ("warning", "error"):
            sys.stderr.write("%s\n" % (traceback.rstrip("\n") or message))
            sys.stderr.flush()

    def close(self):
        self.socket.close()
        while self.descriptors:
            os.close(self.descriptors.pop())


def main(arguments):
    """Runs `python -m modgw_worker --attach unix:PATH [ENTRY]` and returns its exit code."""
    if len(arguments) not in (2, 3) or arguments[0] != "--attach" or not _path(arguments[1]):
        sys.stderr.write("usage: python -m modgw_worker --attach unix:PATH [ENTRY]\n")
        return 2
    address = arguments[1]
    named = _absolute(arguments[2]) if len(arguments) == 3 else ""
    try:
        return _stay_attached(address, named)
    except Refused as refused:
        _print("MGW-APP-202: cannot attach to %s: %s" % (address, refused))
    except OSError as error:
        _print("MGW-APP-203: cannot reach the host at %s: %s" % (address, error))
    except entry.LoadError as failed:
        sys.stderr.write(failed.fields["traceback"])
        _print("cannot load the app: %s: %s" % (failed.fields["type"], failed.fields["message"]))
    except KeyboardInterrupt:
        return 130
    return 1


def _stay_attached(address, named):
    """Serves the app for one host after another: a host restarts, and a changed descriptor makes a
    new generation."""
    app = None
    while True:
        attachment = _await_host(address)
        try:
            if app is None:
                app = attachment.load(named)
            _print("attached to %s as app %s" % (address, attachment.message["app"]))
            attachment.serve(app)
        finally:
            attachment.close()
        _print("the host has ended the connection")


def _await_host(address):
    waits = False
    while True:
        try:
            return Attachment(address)
        except (FileNotFoundError, ConnectionError):
            if not waits:
                _print("waiting for a host at %s" % address)
            waits = True
            time.sleep(_PAUSE)


def _connect(address):
    path = _path(address)
    if not path:
        raise ValueError("cannot attach to %r: want unix:PATH" % address)
    connected = socket.socket(socket.AF_UNIX)
    try:
        connected.connect(path)
    except BaseException:
        connected.close()
        raise
    return connected


def _path(address):
    """The path in "unix:PATH"; "" when it is something else."""
    scheme, _, path = address.partition(":")
    return path if scheme == "unix" else ""


def _absolute(named):
    """The entry with its file, if it names one, as an absolute path."""
    file, colon, expression = named.partition(":")
    return os.path.abspath(file) + colon + expression if os.path.isfile(file) else named


def _leave_alone_in_children(attachment):
    kept = weakref.ref(attachment)

    def close_in_child():
        attachment = kept()
        if attachment is not None and not attachment.closed:
            attachment.close_in_child()

    os.register_at_fork(after_in_child=close_in_child)


def _print(text):
    sys.stderr.write("modgw: %s\n" % text)
    sys.stderr.flush()
