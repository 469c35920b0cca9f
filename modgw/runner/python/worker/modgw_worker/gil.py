"""The global interpreter lock, and the Python that was built to do without it."""

import re
import sys
import warnings

_CULPRIT = re.compile(r"global interpreter lock \(GIL\) has been enabled to load module '([^']+)'")


def is_built_in():
    """Whether threads of this Python take turns."""
    # As Py_GIL_DISABLED in sysconfig, which would take half a MiB of each worker.
    return "t" not in getattr(sys, "abiflags", "")


def watch(control):
    """Has it logged when an extension module turns the lock on, now or later. It is for before the
    app is loaded."""
    if is_built_in():
        return
    if sys._is_gil_enabled():
        _log_lock(control, "PYTHON_GIL says so")
        return
    show = warnings.showwarning

    def show_or_tell(message, *more, **named):
        found = _CULPRIT.search(str(message))
        if found:
            _log_lock(control, "extension module %s turned it on" % found.group(1))
        else:
            show(message, *more, **named)

    warnings.showwarning = show_or_tell


def _log_lock(control, why):
    control.log(
        "warning",
        "MGW-APP-030: cannot run threads at the same time: the global interpreter lock is on, for "
        "%s"
        % why,
    )
