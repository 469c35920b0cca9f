"""The template process: has the modules of the environment imported, and forks workers that begin
with them."""

import fcntl
import gc
import marshal
import os
import sys

from . import lifeline, stdio, values, wire
from .control import Control
from .preload import Preload

_CONTROL_FD = 3
_LIFELINE_FD = 4


def serve():
    """Forks workers for the host. Returns a Preload in each of them, with the modules that they
    have loaded, and None in the template when it is to end."""
    for fd in (_CONTROL_FD, _LIFELINE_FD):
        os.set_inheritable(fd, False)
    lifeline.hold(_LIFELINE_FD)
    stdio.configure()
    return Template(Control(_CONTROL_FD)).run()


class Template:
    """Handles the host's requests, one after the other, in a single thread."""

    def __init__(self, host):
        self._host = host
        self._preload = None

    def run(self):
        while True:
            request = self._host.receive()
            if request is None:
                return None
            fields = marshal.loads(request[1])
            task = fields["task"]
            if task == "prepare":
                answer = self._prepare(fields)
            elif task == "fork":
                answer = self._fork(fields)
                if answer is None:
                    return self._preload
            else:
                answer = _reap(fields["pid"])
            self._host.tell(wire.EVENT, wire.dumps(answer), stream=request[2])

    def _prepare(self, fields):
        sys.argv[:] = [fields["entry"]]
        first = [entry for entry in fields["path"] if "-packages" in entry]
        sys.path[:] = first + [entry for entry in sys.path if entry not in first]
        values.prepare()  # Modules that are imported here may have metrics.
        self._preload = Preload(marshal.loads(fields["report"]), frozenset(fields["exclude"]))
        blamed = self._preload.run()
        if not blamed:
            gc.collect()
            gc.freeze()
        return {
            "exclude": [[name, why] for name, why in blamed.items()],
            "loaded": self._preload.count(),
        }

    def _fork(self, fields):
        """The answer in the parent, and None in the child, whose arguments are those of a worker
        that is started on its own."""
        count = fields["descriptors"]
        fds, self._host.descriptors = (
            self._host.descriptors[:count],
            self._host.descriptors[count:],
        )
        changed = self._preload.changed()
        if changed:
            _close(fds)
            return {"pid": 0, "unfit": changed}
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        try:
            pid = os.fork()
        except OSError as error:
            _close(fds)
            return {"pid": 0, "failed": str(error)}
        if pid == 0:
            os.setpgid(0, 0)
            self._host.socket.close()
            os.close(_LIFELINE_FD)
            arguments = fields["arguments"]
            _place(fds)
            os.chdir(fields["root"])
            _rename(arguments)
            _forget_missing_folders()
            self._preload.arguments = fields["options"]
            return None
        try:
            os.setpgid(pid, pid)
        except OSError:
            pass  # It has ended already, or did it itself and went on.
        _close(fds)
        return {"pid": pid}


def _reap(pid):
    """Waits for a worker that has ended, and returns how."""
    try:
        return {"pid": pid, "status": os.waitpid(pid, 0)[1]}
    except ChildProcessError:
        return {"pid": 0, "failed": "no such child"}


def _close(fds):
    for fd in fds:
        os.close(fd)


def _place(fds):
    """Makes the descriptors 1, 2, 3, …, which is where a worker that is started on its own has
    them."""
    above = len(fds) + 1
    high = []
    for fd in fds:
        high.append(fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, above))
    for fd in fds:
        if fd not in high:
            os.close(fd)
    for target, fd in enumerate(high, 1):
        os.dup2(fd, target, inheritable=True)
        os.close(fd)


def _rename(arguments):
    """Shows the worker's own arguments in the list of processes, as far as there is room."""
    if hasattr(sys, "orig_argv"):
        sys.orig_argv[:] = arguments
    try:
        with open("/proc/self/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        start, end = int(fields[45]), int(fields[46])
        text = b"\0".join(map(os.fsencode, arguments))[: end - start - 1]
        with open("/proc/self/mem", "r+b", buffering=0) as memory:
            memory.seek(start)
            memory.write(text.ljust(end - start, b"\0"))
    except (OSError, ValueError, IndexError):
        pass  # It only has an odd name then.


def _forget_missing_folders():
    """Lets imports look again at folders of sys.path that were not there."""
    for folder, finder in list(sys.path_importer_cache.items()):
        if finder is None:
            del sys.path_importer_cache[folder]
