"""What every thread of the worker is doing, for the host's log."""

import gc
import sys
import threading
import traceback


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


_DEEPEST = 50  # frames of one task that are shown


def awaiting(awaited):
    """The frames of a coroutine and of what it waits for, the innermost last."""
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
    frame, frames = sys._current_frames().get(ident), []
    while frame is not None:
        frames.insert(0, frame)
        frame = frame.f_back
    return frames


def text_of(frames):
    """Frames as a traceback shows them."""
    return "".join(line for frame in frames for line in traceback.format_stack(frame, 1))
