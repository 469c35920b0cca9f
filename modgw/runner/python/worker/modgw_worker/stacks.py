"""What every thread of the worker is doing, for the host's log."""

import sys
import threading
import traceback


def dump_or_probe(control, lanes, reason):
    """Logs the stacks of all threads; without a reason, that of an event loop that is blocked."""
    if reason:
        dump(control, lanes, reason)
    elif hasattr(lanes[0], "probe"):
        lanes[0].probe()


def dump(control, lanes, reason):
    """Logs the stacks of all threads as one record."""
    serving = {}
    for lane in lanes:
        exchange = lane.current
        if exchange is not None:
            serving[lane.thread.ident] = "%s, request %s" % (
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
    for lane in lanes:
        parts.extend(getattr(lane, "tasks", tuple)())
    control.log("warning", "stacks of all threads: " + reason, traceback="\n".join(parts))
