"""The stacks of all threads of the worker, for the host's log."""

import gc
import sys
import threading
import traceback
from time import perf_counter

from . import wire
from .failure import is_app_file, is_machinery, place_of


def dump_or_probe(control, conns, reason):
    """Logs the stacks of all threads; without a reason, that of an event loop that is blocked."""
    if reason:
        dump(control, conns, reason)
    elif hasattr(conns[0], "probe"):
        conns[0].probe()


def dump(control, conns, reason):
    """Logs the stacks of all threads as one record."""
    serving = {}
    for conn in conns:
        exchange = conn.current
        if exchange is not None:
            serving[conn.thread.ident] = "%s, request %s" % (
                exchange.title(),
                exchange.environ.get("modgw.request_id", "without id"),
            )
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    parts = []
    for ident, frame in sys._current_frames().items():
        title = "thread %s" % names.get(ident, ident)
        if ident in serving:
            title += ", serving " + serving[ident]
        parts.append("%s:\n%s" % (title, "".join(traceback.format_stack(frame))))
    for conn in conns:
        parts.extend(getattr(conn, "tasks", tuple)())
    control.log("warning", "stacks of all threads: " + reason, traceback="\n".join(parts))


_MOST_PLACES = 200  # that the host takes
_LONGEST_NAME = 300  # characters of a name in a place
_LONGEST_STACK = 16000  # characters of a stack

# Modules in which others wait: their caller is more informative.
_BELOW = {
    *("asyncio", "concurrent", "contextlib", "functools", "gevent", "selectors", "socket", "ssl"),
    *("threading", "uvloop", "queue", "_weakrefset", "greenlet"),
}


def locate(control, conns, wanted):
    """Reports to the host the positions of the requests that the connections execute, and the stack
    of one of them."""
    now = perf_counter()
    places = []
    for conn in conns:
        places.extend(conn.places(now))
    del places[_MOST_PLACES:]
    for found in places:
        frames = found.pop("frames")
        if wanted and (found["request"] == wanted or found["blocks"]):
            found["stack"] = _stack(frames)
    control.send(wire.LOCATE, wire.dumps(places))


def _stack(frames):
    """The innermost frames, from where the worker has called the app, as the host takes them."""
    own = [is_machinery(frame.f_code.co_filename) for frame in frames]
    if True in own:
        first = own.index(True)
        frames = frames[own.index(False, first) if False in own[first:] else first :]
    text = text_of(frames[-_DEEPEST:])[-_LONGEST_STACK:]
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def place(frames, request, seconds, blocks=False):
    """Where a request is that has taken so many seconds, as the host takes it."""
    file, line = place_of(frames)
    module, function = _library(frames)
    return {
        "request": _name(request),
        "milliseconds": int(seconds * 1000),
        "module": _name(module),
        "function": _name(function),
        "file": _name(file),
        "line": line,
        "blocks": blocks,
        "frames": frames,
    }


def _library(frames):
    """Module and function of the library that the app's own code has called and that waits, or
    computes; "" and "" when the innermost frame is the app's own."""
    below = "", ""
    for frame in reversed(frames):
        name = frame.f_code.co_filename
        if is_machinery(name):
            return "", ""  # The worker itself has called the function.
        if is_app_file(name):
            break
        found = frame.f_globals.get("__name__") or "", frame.f_code.co_name
        if found[0].partition(".")[0] not in _BELOW or found[1] == "getaddrinfo":
            return found
        if not below[0]:
            below = found
    return below


def _name(value):
    return str(value).encode("utf-8", "backslashreplace").decode("utf-8")[:_LONGEST_NAME]


_DEEPEST = 50  # frames of one task that are shown


def awaiting(awaited):
    """The frames of a coroutine and of the ones that it awaits, the innermost last."""
    frames = []
    while awaited is not None and len(frames) < _DEEPEST:
        for kind in ("cr", "gi", "ag"):
            if hasattr(awaited, kind + "_frame"):
                frame = getattr(awaited, kind + "_frame")
                if frame is not None:
                    frames.append(frame)
                awaited = getattr(
                    awaited, "gi_yieldfrom" if kind == "gi" else kind + "_await", None
                )
                break
        else:
            awaited = _behind(awaited)
    return frames


def _behind(awaited):
    """The coroutine or generator that an awaited object of another kind runs; None when it runs
    none."""
    if hasattr(awaited, "get_coro"):
        return awaited.get_coro()
    for found in gc.get_referents(awaited):
        if any(hasattr(found, name) for name in ("cr_frame", "gi_frame", "ag_frame", "get_coro")):
            return found
    return None


def running(ident):
    """The frames of a thread, the innermost last."""
    return outward(sys._current_frames().get(ident))


def outward(frame):
    """A frame and those that have called it, the frame last."""
    frames = []
    while frame is not None:
        frames.insert(0, frame)
        frame = frame.f_back
    return frames


def text_of(frames):
    """Frames as a traceback shows them."""
    return "".join(line for frame in frames for line in traceback.format_stack(frame, 1))
