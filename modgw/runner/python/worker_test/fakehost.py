"""A small host that drives one real worker process to the contract of modgw/wire/doc.go."""

import array
import fcntl
import marshal
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import textwrap
import time
import unittest

from starter import Starter

WORKER = os.environ.get("MODGW_TEST_WORKER")  # a copy of the worker's code that is compiled already
if not WORKER:
    WORKER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "worker")
HEADER = struct.Struct("<IIBBH")
TYPES = (
    "REQUEST BODY WINDOW CANCEL RESPONSE ABORT FILE EVENT START READY FAILED STOP DUMP LOG RETIRE"
    " UNQUEUE UNQUEUED SHARED INTERRUPT LOCATE COLLECT JOIN"
).split()
globals().update({name: number for number, name in enumerate(TYPES, 1)})
END = 1
BUSY = 2
_FLAGS = 0, END, END | BUSY
WINDOW_SIZE = 256 << 10
THREAD_WINDOW = 1 << 20
PATIENCE = 120  # seconds until a test that waits gives up


def _keep_low_descriptors_free():
    """Takes all low descriptors, so that those of a worker never collide with ones that this
    process uses or inherited."""
    while os.open(os.devnull, os.O_RDONLY) < 40:
        pass
    _keep_descriptors()


def _keep_descriptors():
    """Lets no process inherit descriptors of this one that earlier tests have left open."""
    for fd in map(int, os.listdir("/proc/self/fd")):
        try:
            os.set_inheritable(fd, fd < 3)
        except OSError:
            pass  # the one that listed the folder


_keep_low_descriptors_free()


def _log_file():
    """A file that a worker only appends to: it shares the file's offset with the test."""
    file = tempfile.TemporaryFile()
    fcntl.fcntl(file, fcntl.F_SETFL, fcntl.fcntl(file, fcntl.F_GETFL) | os.O_APPEND)
    return file


class Frame:
    def __init__(self, kind, stream, flags, payload, descriptors=(), pace=0):
        self.kind, self.stream, self.flags, self.payload = kind, stream, flags, payload
        self.descriptors = descriptors
        self.pace, self.cpu = pace & 255, pace >> 8

    def __repr__(self):
        return "%s(stream %d, flags %d, %d bytes)" % (
            TYPES[self.kind - 1],
            self.stream,
            self.flags,
            len(self.payload),
        )

    def dict(self):
        return marshal.loads(self.payload)

    def head(self):
        size = struct.unpack_from("<I", self.payload)[0]
        status, *parts = self.payload[4 : 4 + size].decode("latin-1").split("\0")
        return int(status[:3]), status[4:], list(zip(parts[::2], parts[1::2]))

    def body(self):
        if self.kind != RESPONSE:
            return self.payload
        return self.payload[4 + struct.unpack_from("<I", self.payload)[0] :]


def frame(kind, stream=0, payload=b"", flags=0):
    return HEADER.pack(len(payload), stream, kind, flags, 0) + payload


def environ_head(environ, common=("SERVER_NAME", "wsgi.url_scheme")):
    """The head of a Request frame for WSGI, with its length."""
    beginning = marshal.dumps({key: environ[key] for key in environ if key in common}, 2)
    rest = marshal.dumps({key: environ[key] for key in environ if key not in common}, 2)
    size = 4 + len(beginning) + len(rest)
    return struct.pack("<II", size, len(beginning)) + beginning + rest


class Connection:
    """The host's end of a control connection or a connection."""

    def __init__(self):
        self.socket, self.theirs = socket.socketpair()
        self.socket.settimeout(PATIENCE)
        self._buffer = b""
        self._descriptors = []

    def send(self, *args, **kwargs):
        self.socket.sendall(frame(*args, **kwargs))

    def receive(self):
        """The next frame, or None at the end of the connection."""
        while True:
            if len(self._buffer) >= HEADER.size:
                length, stream, kind, flags, pace = HEADER.unpack_from(self._buffer)
                assert (
                    length <= 1 << 20 and flags in _FLAGS and 1 <= kind <= len(TYPES)
                ), self._buffer[:12]
                assert pace == 0 or kind == RESPONSE, self._buffer[:12]
                end = HEADER.size + length
                if len(self._buffer) >= end:
                    payload, self._buffer = self._buffer[HEADER.size : end], self._buffer[end:]
                    taken = [self._descriptors.pop(0)] if kind == FILE else []
                    return Frame(kind, stream, flags, payload, taken, pace)
            rights = array.array("i")
            data, ancillary, _, _ = self.socket.recvmsg(
                1 << 16, socket.CMSG_SPACE(4 * rights.itemsize)
            )
            for level, what, content in ancillary:
                assert (level, what) == (socket.SOL_SOCKET, socket.SCM_RIGHTS)
                rights.frombytes(content[: len(content) - len(content) % rights.itemsize])
            for fd in rights:
                # or else workers of later tests have those that are not closed
                os.set_inheritable(fd, False)
            self._descriptors.extend(rights)
            if not data:
                assert not self._buffer, "the connection ended within a frame"
                return None
            self._buffer += data

    def quiet(self, seconds=0.2):
        """Whether nothing comes for a while; for what must not happen."""
        if self._buffer:
            return False
        self.socket.settimeout(seconds)
        try:
            self._buffer += self.socket.recv(1 << 16)
            return False
        except socket.timeout:
            return True
        finally:
            self.socket.settimeout(PATIENCE)

    def close(self):
        self.socket.close()


class Response:
    """A whole response as its frames told it."""

    def __init__(self):
        self.status, self.reason, self.headers, self.body = None, None, None, b""
        self.aborted = None  # the text of Abort
        self.file = None  # (offset, length)
        self.pieces = []
        self.cpu = 0  # the thread's report about itself

    def header(self, name):
        return dict((key.lower(), value) for key, value in self.headers).get(name.lower())


class Worker:
    """A worker process. The test that uses it must call close."""

    def __init__(
        self,
        entry,
        threads=1,
        root="/",
        path=(),
        env=None,
        stderr=None,
        start=True,
        kind="wsgi",
        own_interpreter=True,
    ):
        self.control = Connection()
        self.conns = [Connection() for _ in range(threads)]
        self.logs = []
        self.requests = 0  # so many were made
        held, self.lifeline = os.pipe()
        ends = [self.control.theirs.fileno(), *[conn.theirs.fileno() for conn in self.conns], held]
        self.stderr = stderr or _log_file()
        line = [
            *("--connections", str(threads), "--lifeline", str(3 + len(ends) - 1)),
            *("app=test", "gen=7", "worker=1"),
        ]
        env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **(env or {})}
        if own_interpreter:
            self.process = self._execute(line, root, env, ends)
        else:
            output = self.stderr.fileno()
            starter = Starter.of(kind, WORKER)
            self.process = starter.start(line, root, env, [output, output, *ends])
        os.close(held)
        for connection in (self.control, *self.conns):
            connection.theirs.close()
        self.start_message = {
            "kind": kind,
            "entry": entry,
            "threads": threads,
            "concurrency": 0,
            "path": list(path),
            "root": root,
            "mount": "/",
            "app": "test",
            "generation": 7,
            "worker": 1,
            "dev": False,
        }
        if start:
            self.start()

    def _execute(self, line, root, env, ends):
        def arrange():
            os.setpgid(0, 0)
            for target, end in enumerate(ends, 3):
                os.dup2(end, target)

        _keep_descriptors()
        return subprocess.Popen(
            [sys.executable, WORKER, *line],
            stdin=subprocess.DEVNULL,
            stdout=self.stderr,
            stderr=self.stderr,
            close_fds=False,
            preexec_fn=arrange,
            cwd=root,
            env=env,
        )

    def start(self):
        self.control.send(START, payload=marshal.dumps(self.start_message, 2))

    def control_frame(self, *kinds):
        """The next frame of one of these kinds; log records on the way are kept in logs."""
        while True:
            received = self.control.receive()
            if received is None:
                raise AssertionError(
                    "the worker is gone: %s\n%s" % (self.process.wait(PATIENCE), self.output())
                )
            if received.kind == LOG:
                self.logs.append(received.dict())
            if received.kind in kinds:
                return received

    def ready(self):
        got = self.control_frame(READY, FAILED)
        if got.kind == FAILED:
            raise AssertionError("the worker failed: %r" % got.dict())
        return got.dict()

    def failed(self):
        fields = self.control_frame(FAILED).dict()
        self.process.wait(PATIENCE)
        return fields

    def log(self):
        return self.control_frame(LOG).dict()

    def begin(self, method="GET", path="/", body=b"", end=True, conn=0, **environ):
        """Sends a request and returns its stream."""
        stream, data = self.frame(method, path, body, end, **environ)
        self.conns[conn].socket.sendall(data)
        return stream

    def frame(self, method="GET", path="/", body=b"", end=True, **environ):
        """A new stream, and the frame of its request."""
        self.requests += 1
        payload = environ_head(self.environ(method, path, **environ)) + body
        return self.requests, frame(REQUEST, self.requests, payload, END if end else 0)

    def environ(self, method="GET", path="/", **environ):
        path, _, query = path.partition("?")
        return {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": "localhost",
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.url_scheme": "http",
            "modgw.request_id": "request-%d" % self.requests,
            **environ,
        }

    def finish(self, stream, conn=0, grant=True):
        """Reads the response of a stream to its end, granting windows."""
        response = Response()
        connection = self.conns[conn]
        while True:
            got = connection.receive()
            if got is None:
                text = "the connection ended; logs %r\n%s" % (self.logs, self.output())
                raise AssertionError(text)
            assert got.stream == stream, "expected stream %d, got %r" % (stream, got)
            if got.kind == WINDOW:
                continue
            if got.kind == ABORT:
                response.aborted = got.payload.decode()
                return response
            if got.kind == FILE:
                response.file = struct.unpack("<QQ", got.payload)
                response.body += os.pread(got.descriptors[0], response.file[1], response.file[0])
                os.close(got.descriptors[0])
            if got.kind == RESPONSE:
                assert response.status is None, "a second head"
                response.status, response.reason, response.headers = got.head()
                response.cpu = got.cpu
            if got.kind in (RESPONSE, BODY):
                assert response.status is not None, "a body before the head"
                response.pieces.append(got.body())
                response.body += got.body()
                if grant and got.body() and not got.flags & END:
                    connection.send(WINDOW, stream, struct.pack("<I", len(got.body())))
            if got.flags & END:
                return response

    def get(self, path="/", conn=0, **environ):
        return self.finish(self.begin("GET", path, conn=conn, **environ), conn)

    def post(self, path, body, **environ):
        return self.finish(self.begin("POST", path, body, CONTENT_LENGTH=str(len(body)), **environ))

    def output(self):
        """The worker's standard output and error."""
        written = os.pread(self.stderr.fileno(), os.fstat(self.stderr.fileno()).st_size, 0)
        return written.decode("utf-8", "backslashreplace")

    def stop(self):
        """Stops the worker politely and returns its exit code."""
        self.control.send(STOP)
        return self.process.wait(PATIENCE)

    def close(self):
        for connection in (self.control, *self.conns):
            connection.close()
        if self.lifeline is not None:
            os.close(self.lifeline)
            self.lifeline = None
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait(PATIENCE)
        self.stderr.close()


class WorkerTestCase(unittest.TestCase):
    """Tests that write an app into a folder of their own and run it.

    Their workers are forked, except those whose environment a test sets and those of tests that are
    about how a worker is started."""

    own_interpreter = False

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="modgw-worker-")
        self.addCleanup(folder.cleanup)
        self.folder = os.path.realpath(folder.name)

    def write(self, name, source):
        """Writes a file into the test's folder and returns its path."""
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(textwrap.dedent(source))
        return path

    def worker(self, entry, **options):
        """A worker that ends with the test."""
        options.setdefault("root", self.folder)
        options.setdefault("own_interpreter", self.own_interpreter or "env" in options)
        options["env"] = {"TMPDIR": self.folder, **(options.get("env") or {})}
        worker = Worker(entry, **options)
        self.addCleanup(worker.close)
        return worker

    def serve(self, source, **options):
        """A worker that has loaded source from app.wsgi and is ready."""
        worker = self.worker(self.write("app.wsgi", source), **options)
        worker.ready()
        return worker

    def eventually(self, condition, what):
        """Waits until condition holds."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > deadline:
                self.fail("did not happen: " + what)
            time.sleep(0.01)
