"""The control connection: for everything that concerns the whole worker, or template, and no single
request."""

import array
import os
import socket
import threading
import traceback

from . import wire


_MOST_DESCRIPTORS = 253  # that one message can carry (SCM_MAX_FD)


class Control:
    """Sends from any thread; receives in the main thread alone."""

    def __init__(self, fd):
        self.socket = socket.socket(fileno=fd)
        self._sending = threading.Lock()
        self._buffer = b""
        self.descriptors = []  # that came with frames, in order
        self._successor = None  # receives frames after the host has gone
        self.explain = None  # in development: turns an exception into its details

    def receive(self):
        """The next frame as (type, payload, stream), or None when the host is gone."""
        while True:
            if len(self._buffer) >= wire.HEADER.size:
                length, stream, kind, _, _ = wire.HEADER.unpack_from(self._buffer)
                end = wire.HEADER.size + length
                if len(self._buffer) >= end:
                    payload, self._buffer = self._buffer[wire.HEADER.size : end], self._buffer[end:]
                    return kind, payload, stream
            try:
                data = self._read()
            except ConnectionError:
                data = b""
            if not data:
                return None
            self._buffer += data

    def _read(self):
        passed = array.array("i")
        data, ancillary, _, _ = self.socket.recvmsg(
            65536, socket.CMSG_SPACE(_MOST_DESCRIPTORS * passed.itemsize)
        )
        for level, kind, content in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                passed.frombytes(content[: len(content) - len(content) % passed.itemsize])
        for fd in passed:
            os.set_inheritable(fd, False)
            self.descriptors.append(fd)
        return data

    def pending(self):
        """Whether bytes of a further frame were read already."""
        return bool(self._buffer)

    def leave(self, successor):
        """Closes the connection to a host that has gone. Further frames go to another one."""
        self._successor = successor
        self.socket.close()

    def send(self, kind, payload=b"", flags=0):
        """Sends a frame about the worker, to another host if this one has gone."""
        if self._successor is not None:
            self._successor.send(kind, payload, flags)
        else:
            self.tell(kind, payload, flags)

    def tell(self, kind, payload=b"", flags=0, stream=0):
        """Sends a frame that concerns this host alone, such as one about its streams."""
        try:
            with self._sending:
                self.socket.sendall(wire.frame(kind, stream, payload, flags))
        except OSError:
            pass  # The host is gone: the main thread sees the end of this connection and stops.

    def send_dict(self, kind, fields):
        self.send(kind, wire.dumps(fields))

    def log(
        self, level, message, traceback="", request="", trace="", file="", line=0, error=None
    ):
        """Writes one record to the host's log; in development with the details of the exception
        error. The trace is the traceparent header of the request."""
        details = {"details": self.explain(error)} if self.explain and error is not None else {}
        self.send_dict(
            wire.LOG,
            {
                **details,
                "level": level,
                "message": _text(message),
                "traceback": _text(traceback),
                "request": _text(request),
                "trace": _text(trace),
                "file": _text(file),
                "line": line,
            },
        )

    def log_raised(self, message, error):
        """Writes the action that an exception has prevented, with its traceback, to the host's log.
        """
        lines = traceback.format_exception(type(error), error, error.__traceback__)
        self.log("error", message, traceback="".join(lines))

    def give_up(self, error):
        """Ends the process because of an exception that must not have been raised."""
        self.log_raised("cannot go on serving requests: %r" % error, error)
        os._exit(70)

    def explain_exceptions(self, start):
        """Makes details of exceptions be logged if a Start message has the app in development."""
        if start.get("dev"):
            from .details import explain  # not needed elsewhere

            self.explain = explain

    def send_failed(self, failed):
        """Sends the host the reason why there is no app, from a LoadError."""
        if self.explain and failed.__cause__ is not None:
            failed.fields["details"] = self.explain(failed.__cause__)
        self.send_dict(wire.FAILED, failed.fields)

    def retire(self, reason):
        """Asks the host to replace this worker."""
        self.send(wire.RETIRE, reason.encode("utf-8", "backslashreplace"))

    def close_in_child(self):
        """Lets go of the connection in a forked child, where it is the parent's to use."""
        if self.socket.fileno() >= 0:
            os.close(self.socket.detach())
        self._sending = threading.Lock()  # Another thread of the parent may have held it.


# The host refuses longer payloads; a record this long has lost its reader anyway.
_LONGEST_TEXT = 200_000


def _text(value):
    """value as a str that UTF-8 can carry and the host accepts."""
    text = str(value).encode("utf-8", "backslashreplace").decode("utf-8")
    if len(text) > _LONGEST_TEXT:
        half = _LONGEST_TEXT // 2
        text = text[:half] + "\n[…]\n" + text[-half:]
    return text
