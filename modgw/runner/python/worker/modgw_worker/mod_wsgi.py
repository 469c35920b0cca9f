"""The contents of mod_wsgi's own module of this name, for apps that import it.

compat loads this file under that name, and sets process_group, application_group, maximum_processes
and threads_per_process. Requests are counted, and their events published, only if the descriptor
has compat = "mod_wsgi".
"""

import atexit
import os
import resource
import sys
import threading
import time

from modgw_worker.filewrapper import FileWrapper
from modgw_worker.interrupt import RequestTimeout  # noqa: F401

version = (6, 0, 5)  # the release whose names, keys and units these are
active_requests = {}  # by request id, the request_data of each request that is being served
event_callbacks = []
shutdown_callbacks = []
signal_callbacks = []

_local = threading.local()
_pid = os.getpid()
_started = time.time()
_counting = threading.Lock()
_counts = [0, 0.0]  # requests that have ended, and the seconds that they took


def subscribe_events(callback):
    """Has callback called with the name of each event, and its details as keyword arguments."""
    event_callbacks.append(callback)
    return callback


def subscribe_shutdown(callback):
    """Has callback called with "process_stopping" when the worker ends."""
    shutdown_callbacks.append(callback)
    return callback


def subscribe_signals(callback):
    """Has callback called with "process_signal" when the worker gets SIGHUP or SIGUSR2."""
    import signal

    if not signal_callbacks:
        for number in (signal.SIGHUP, signal.SIGUSR2):
            signal.signal(number, _signalled)
    signal_callbacks.append(callback)
    return callback


def request_data():
    """The dict in which the app and its subscribers keep data of the request of this thread."""
    data = getattr(_local, "data", None)
    if data is None:
        raise RuntimeError("no active request for this thread")
    return data


def start_recording_metrics():
    """Does nothing: the figures of process_metrics are always counted."""


def request_metrics():
    """None, as while nothing is recorded: the host measures requests (modgw-host status --json)."""


def server_metrics():
    """None, as without server-metrics: there is no scoreboard of Apache's here."""


def process_metrics():
    """The resources that this worker has used since it was started."""
    now, times = time.time(), os.times()
    return {
        "pid": os.getpid(),
        "request_count": _counts[0],
        "request_busy_time": _counts[1],
        "active_requests": len(active_requests),
        "memory_rss": _resident(),
        "memory_max_rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "cpu_user_time": times.user,
        "cpu_system_time": times.system,
        "restart_time": _started,
        "current_time": now,
        "running_time": now - _started,
    }


def publish(name, **event):
    """Calls every subscriber of events; the result of one is added for the next.

    An exception in one is only logged.
    """
    _call(event_callbacks, name, event)


def begin(request_id):
    """Makes the request the one of this thread, and returns its request_data."""
    _local.data = active_requests[request_id] = {}
    return _local.data


def end(request_id, seconds):
    """Reverts begin."""
    _local.data = None
    active_requests.pop(request_id, None)
    with _counting:
        _counts[0] += 1
        _counts[1] += seconds


def _call(callbacks, name, event):
    for callback in list(callbacks):
        try:
            added = callback(name, **event)
        except Exception:
            sys.excepthook(*sys.exc_info())
        else:
            if isinstance(added, dict):
                event.update(added)


def _signalled(number, frame):
    import signal

    event = {"signum": number, "signame": signal.Signals(number).name}
    _call(event_callbacks + signal_callbacks, "process_signal", event)


@atexit.register
def _stop():
    if os.getpid() == _pid:  # A child that the app has forked is not the worker.
        event = {"shutdown_reason": "shutdown_signal"}
        _call(event_callbacks + shutdown_callbacks, "process_stopping", event)


def _resident():
    """Bytes of memory of this process; 0 if the kernel does not report it."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def __getattr__(name):
    if name != "LogHandler":
        raise AttributeError("module %r has no attribute %r" % (__name__, name))
    import logging  # which small apps do without

    class LogHandler(logging.StreamHandler):
        """Writes records to standard error, which is the log of the app."""

        def __init__(self, level=logging.NOTSET):
            super().__init__(sys.stderr)
            self.setLevel(level)

    globals()[name] = LogHandler
    return LogHandler
