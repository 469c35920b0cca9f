"""Starts workers by forking a process that has loaded their code, which takes a tenth of the time
that an interpreter takes to start."""

import array
import atexit
import ctypes
import marshal
import os
import signal
import socket
import subprocess
import sys
import time

_LARGEST = 1 << 16  # bytes of a message
_MOST_FDS = 200
_ABOVE = 100  # a starter holds the descriptors below it, so that those for workers are not there
_PR_SET_CHILD_SUBREAPER = 36

# Runs this file under a name that is no file's: a worker looks for the app's place in the frames of
# its stacks, of which these are the lowest.
_RUN = """
import sys
with open(sys.argv.pop(1)) as file:
    exec(compile(file.read(), "<starter>", "exec"))
"""


class Process:
    """A process that was forked, with the part of subprocess.Popen that tests use."""

    def __init__(self, pid):
        self.pid = pid
        self.returncode = None

    def poll(self):
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid and os.WIFSIGNALED(status):
                self.returncode = -os.WTERMSIG(status)
            elif pid:
                self.returncode = os.WEXITSTATUS(status)
        return self.returncode

    def wait(self, timeout):
        deadline = time.monotonic() + timeout
        pause = 0.001
        while self.poll() is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("worker", timeout)
            time.sleep(pause)
            pause = min(pause * 1.25, 0.02)
        return self.returncode

    def send_signal(self, number):
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self):
        self.send_signal(signal.SIGTERM)


class Starter:
    """Forks workers of one kind, wsgi or asgi, which become children of this process."""

    _running = {}

    @classmethod
    def of(cls, kind, folder):
        """The one for a kind, which runs until this process ends."""
        if kind not in cls._running:
            cls._running[kind] = cls(kind, folder)
        return cls._running[kind]

    def __init__(self, kind, folder):
        # a worker becomes a child of this process when the process that forked it has ended
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._process = subprocess.Popen(
            [
                sys.executable,
                *("-c", _RUN, os.path.abspath(__file__)),
                *(kind, folder, str(theirs.fileno())),
            ],
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
        )
        theirs.close()
        atexit.register(self._end)

    def start(self, arguments, root, env, fds):
        """Starts a worker whose descriptors 1, 2, 3, … are fds."""
        message = marshal.dumps({"arguments": arguments, "root": root, "env": env}, 2)
        rights = array.array("i", fds)
        self._socket.sendmsg([message], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
        pid = self._socket.recv(_LARGEST)
        if not pid:
            raise AssertionError("the starter of workers has ended: %s" % self._process.wait())
        return Process(int(pid))

    def _end(self):
        self._socket.close()
        self._process.wait()


def _serve(host):
    """Forks until the test ends; returns in each worker, with its arguments."""
    while os.open(os.devnull, os.O_RDONLY) < _ABOVE:
        pass
    while True:
        rights = array.array("i")
        message, ancillary, _, _ = host.recvmsg(
            _LARGEST, socket.CMSG_SPACE(_MOST_FDS * rights.itemsize)
        )
        if not message:
            os._exit(0)
        rights.frombytes(ancillary[0][2])
        told, tells = os.pipe()
        between = os.fork()
        if between == 0:
            pid = os.fork()
            if pid == 0:
                return _become_worker(marshal.loads(message), rights)
            os.write(tells, b"%d" % pid)
            os._exit(0)
        pid = os.read(told, 20)
        os.waitpid(between, 0)
        for fd in (told, tells, *rights):
            os.close(fd)
        host.send(pid)


def _become_worker(fields, fds):
    os.setpgid(0, 0)
    for target, fd in enumerate(fds, 1):
        os.dup2(fd, target)
    os.closerange(len(fds) + 1, max(map(int, os.listdir("/proc/self/fd"))) + 1)
    os.chdir(fields["root"])
    os.environ.clear()
    os.environ.update(fields["env"])
    return fields["arguments"]


def _main(kind, folder, fd):
    sys.path[0] = folder
    from modgw_worker import main

    if kind == "asgi":
        import asyncio  # noqa: F401

        from modgw_worker import loop  # noqa: F401
    arguments = _serve(socket.socket(fileno=int(fd)))
    sys.exit(main.main(arguments, folder))


if __name__ == "__main__":
    _main(*sys.argv[1:])
