"""Exceptions as the host's log shows them: with the place in the app's own code."""

import linecache
import os
import traceback

_PACKAGE = os.path.dirname(os.path.abspath(__file__))
_OWN = _PACKAGE + os.sep, os.path.join(os.path.dirname(_PACKAGE), "__main__.py")
# stdlib in the terms of sysconfig
_LIBRARIES = (os.path.realpath(os.path.dirname(os.__file__)) + os.sep,)


class PlacedError(RuntimeError):
    """An error of the worker's own that is about a place in the app."""

    def __init__(self, message, file, line):
        super().__init__(message)
        self.file = file  # "" when none is known
        self.line = line


class Failure:
    """The details of an exception."""

    def __init__(self, error, file="", line=0, text="", trace=""):
        self.type = type(error).__qualname__
        self.message = _message(error)
        self.file = file  # of the app's own code; "" when none of it is involved
        self.line = line
        self.text = text  # that line of source
        self.traceback = trace

    def summary(self):
        return "%s: %s" % (self.type, self.message) if self.message else self.type


def describe(error, suspects=()):
    """The Failure for error; with no frame of the app in its traceback, the first suspect with a
    place is to blame."""
    file, line = _place(error)
    for suspect in suspects:
        if file:
            break
        file, line = _place_of_object(suspect)
    return Failure(error, file, line, source(file, line), _format(error))


def log_failed(exchange, error, suspects, request, trace):
    """Logs an exception that the app did not catch in a request, and returns its summary."""
    task = "finish after the response to" if exchange.ended else "answer"
    what = "cannot %s %s" % (task, exchange.title())
    return log_found(exchange.conn.control, what, error, suspects, request=request, trace=trace)


def log_found(control, what, error, suspects, **more):
    """Logs the action that an exception of the app has prevented, and returns the exception's
    summary."""
    found = describe(error, suspects)
    control.log(
        "error",
        "%s: %s" % (what, found.summary()),
        traceback=found.traceback,
        file=found.file,
        line=found.line,
        error=error,
        **more
    )
    return found.summary()


def source(file, line):
    """A line of a file, "" where there is none."""
    return linecache.getline(file, line).strip() if file else ""


def is_app_file(name):
    """Whether a file is neither the worker's, nor a library's, nor no file at all."""
    if not name or name.startswith("<") or name.startswith(_OWN):
        return False
    if "/site-packages/" in name or "/dist-packages/" in name:
        return False
    return not os.path.realpath(name).startswith(_LIBRARIES)


def is_due_to(error, kinds):
    """Whether error is one of the kinds, or was raised where one of them was handled; of a group,
    whether all its errors are."""
    seen = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, kinds):
            return True
        # of an ExceptionGroup, which Python has since 3.11
        parts = getattr(error, "exceptions", None)
        if parts and isinstance(parts, tuple) and all(is_due_to(part, kinds) for part in parts):
            return True
        error = error.__cause__ or error.__context__
    return False


def place_of(frames):
    """File and line of the last of the frames that is the app's own; "" and 0 when none is."""
    place = "", 0
    for frame in frames:
        if is_app_file(frame.f_code.co_filename):
            place = frame.f_code.co_filename, frame.f_lineno
    return place


def _place(error):
    if isinstance(error, PlacedError):
        return error.file, error.line
    if isinstance(error, SyntaxError) and error.filename and os.path.isfile(error.filename):
        return error.filename, error.lineno or 0
    place = "", 0
    trace = error.__traceback__
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if is_app_file(name):
            place = name, trace.tb_lineno
        trace = trace.tb_next
    return place


def _place_of_object(value):
    """The position of an app's generator, or the place where its callable is defined."""
    frame = getattr(value, "gi_frame", None)
    if frame is not None:
        return frame.f_code.co_filename, frame.f_lineno
    for candidate in (
        value,
        getattr(value, "gi_code", None),
        getattr(type(value), "__call__", None),
    ):
        code = getattr(candidate, "__code__", candidate)
        name = getattr(code, "co_filename", "")
        if name and is_app_file(name):
            return name, code.co_firstlineno
    return "", 0


def is_machinery(name):
    """Whether a file is the worker's own or of the import system."""
    return name.startswith((*_OWN, "<frozen ", "<builtin>/frozen ")) or "/importlib/" in name


def _format(error):
    """The traceback from the first frame that is not the worker's own."""
    trace = error.__traceback__
    while trace is not None and is_machinery(trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    try:
        return "".join(traceback.format_exception(type(error), error, trace))
    except Exception as failed:  # an exception whose str raises, for example
        return "%s (its traceback cannot be shown: %r)\n" % (type(error).__qualname__, failed)


def _message(error):
    try:
        return str(error)
    except Exception:
        return ""
