"""The template process: has the modules of the environment imported, and forks workers that begin
with them."""

import fcntl
import gc
import marshal
import os
import socket
import struct
import sys

from . import lifeline, stdio, values, wire
from .preload import Preload

_CONTROL_FD = 3
_LIFELINE_FD = 4
_MOST_FDS = 253  # that the kernel passes on at once
_FD = struct.Struct("i")


class Forked:
    """What a worker that was forked knows of its beginning."""

    def __init__(self, arguments, preload):
        self.arguments = arguments  # those of a worker that is started on its own
        self._preload = preload

    def unsuitable(self):
        """Why the app might have become another one in a process of its own; "" when it is the
        same."""
        return self._preload.unsuitable()

    def order(self):
        """The names of the modules that are loaded already, in the order of their imports."""
        return self._preload.order()


def serve():
    """Forks workers for the host. Returns a Forked in each of them, and None in the template when
    it is to end."""
    for fd in (_CONTROL_FD, _LIFELINE_FD):
        os.set_inheritable(fd, False)
    lifeline.hold(_LIFELINE_FD)
    stdio.configure()
    return Template(_Connection(_CONTROL_FD)).run()


class Template:
    """Does what the host asks for, one request after the other, in a single thread."""

    def __init__(self, host):
        self._host = host
        self._preload = None

    def run(self):
        while True:
            request = self._host.receive()
            if request is None:
                return None
            number, fields, fds = request
            task = fields["task"]
            if task == "prepare":
                answer = self._prepare(fields)
            elif task == "fork":
                answer = self._fork(fields, fds)
                if isinstance(answer, Forked):
                    return answer
            else:
                answer = _reap(fields["pid"])
            self._host.send(number, answer)

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

    def _fork(self, fields, fds):
        """A Forked in the child, the answer in the parent."""
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
            self._host.close()
            os.close(_LIFELINE_FD)
            arguments = fields["arguments"]
            _place(fds)
            os.chdir(fields["root"])
            _rename(arguments)
            _forget_missing_folders()
            return Forked(fields["options"], self._preload)
        try:
            os.setpgid(pid, pid)
        except OSError:
            pass  # It has ended already, or did it itself and went on.
        _close(fds)
        return {"pid": pid}


def _reap(pid):
    """Waits for a worker that has ended, and tells how."""
    try:
        return {"pid": pid, "status": os.waitpid(pid, 0)[1]}
    except ChildProcessError:
        return {"pid": 0, "failed": "no such child"}


class _Connection:
    """The host's requests, with the descriptors that come with them."""

    def __init__(self, fd):
        self._socket = socket.socket(fileno=fd)
        self._buffer = b""
        self._arrived = []  # lists of descriptors, in order

    def receive(self):
        """The next request as (number, fields, descriptors), or None when the host is gone."""
        while True:
            if len(self._buffer) >= wire.HEADER.size:
                length, number, kind, _, _ = wire.HEADER.unpack_from(self._buffer)
                end = wire.HEADER.size + length
                if len(self._buffer) >= end:
                    fields = marshal.loads(self._buffer[wire.HEADER.size : end])
                    self._buffer = self._buffer[end:]
                    fds = self._arrived.pop(0) if fields["task"] == "fork" else []
                    return number, fields, fds
            try:
                data, ancillary, _, _ = self._socket.recvmsg(
                    1 << 16, socket.CMSG_SPACE(_MOST_FDS * _FD.size)
                )
            except ConnectionError:
                data, ancillary = b"", ()
            for level, kind, payload in ancillary:
                if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                    self._arrived.append(
                        [fd for (fd,) in _FD.iter_unpack(payload[: len(payload) // 4 * 4])]
                    )
            if not data:
                return None
            self._buffer += data

    def send(self, number, fields):
        try:
            self._socket.sendall(
                wire.frame(wire.EVENT, number, marshal.dumps(fields, wire.MARSHAL_VERSION))
            )
        except OSError:
            pass  # The host is gone, which receive sees.

    def close(self):
        self._socket.close()


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
    """Shows the worker in the list of processes as what it is, as far as there is room."""
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
