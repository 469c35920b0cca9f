"""The worker's standard streams, and the error stream that requests get."""

import faulthandler
import io
import os
import sys


class ErrorStream(io.TextIOWrapper):
    """wsgi.errors: writes whole lines to a descriptor that nothing the app does to sys.stderr can
    close."""

    def __init__(self, fd):
        super().__init__(
            io.BufferedWriter(_Descriptor(fd)),
            encoding="utf-8",
            errors="backslashreplace",
            line_buffering=True,
        )

    def close(self):
        """Flushes alone: PEP 3333 forbids apps to close it, and some do."""
        self.flush()


class _Descriptor(io.RawIOBase):
    """Writes to a descriptor and never fails: an app must not break because its log cannot be
    written."""

    def __init__(self, fd):
        self._fd = fd

    def writable(self):
        return True

    def fileno(self):
        return self._fd

    def write(self, data):
        try:
            return os.write(self._fd, data)
        except OSError:
            return len(data)


def prepare():
    """Sets up sys.stdout and sys.stderr, and returns a descriptor of stderr that stays the worker's
    own."""
    configure()
    fd = os.dup(2)
    faulthandler.enable(file=fd)
    return fd


def configure():
    """Makes sys.stdout and sys.stderr write whole lines, and never fail for a character."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)


def flush():
    """Flushes the streams as far as the app has left them usable."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            pass
