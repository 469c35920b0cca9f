"""The connection of a worker with gevent, on which every request has a greenlet of its own."""

import collections
import os
# the system's own: gevent has patched nothing yet
from _thread import allocate_lock, get_ident, start_new_thread
from time import perf_counter

from . import stacks, wire
from .body import ClientDisconnected
from .entry import LoadError
from .environ import Beginnings
from .failure import describe
from .wsgi import Exchange

_HEADER_SIZE = wire.HEADER.size
_unpack_header = wire.HEADER.unpack_from
_REQUEST = wire.REQUEST

_RECEIVE = 256 << 10  # bytes asked of one recv
_SENT_AT_ONCE = 64 << 10  # bytes of small frames that become one send
_PROMPT = 0.3  # seconds in which a hub that is not blocked answers
_MOST_SHOWN = 50  # greenlets whose stacks are logged
_ON_ITS_WAY = 0.01  # seconds in which a request that was sent before the word to stop is here


def patch():
    """Makes blocking calls of the standard library let other greenlets run. Raises LoadError if
    gevent is not installed."""
    try:
        from gevent import monkey
    except ImportError as error:
        raise LoadError("gevent", describe(error)) from error
    monkey.patch_all()


def beside(task, signals):
    """Runs task, which waits for signals, in a thread of the system that no busy greenlet holds up,
    until it has ended."""
    import gevent
    from gevent.event import Event

    ended = Event()
    loop = gevent.get_hub().loop
    end, poke = loop.async_(), loop.async_()
    end.start(ended.set)
    poke.start(int)  # Python handles signals before it calls anything.
    signals.poke = poke.send

    def run():
        try:
            task()
        finally:
            end.send()

    start_new_thread(run, ())
    ended.wait()
    signals.poke = None
    for watcher in (end, poke):
        watcher.stop()
        watcher.close()


class GreenletConn:
    """Belongs to the thread of its hub, but for probe, tasks and close_in_child."""

    def __init__(self, fd, app, environ, control):
        import gevent
        from gevent import event
        from gevent import socket as green

        self.app = app
        self.beginnings = Beginnings(environ)  # that is in each of them
        self.control = control
        self.current = None  # as other connections have it
        self.socket = green.socket(fileno=fd)
        self.thread = gevent.Greenlet(self._run)
        self._gevent = gevent
        self._new_event = event.Event
        self._ident = get_ident()
        self._requests = {}  # of the streams that are open
        self._greenlets = set()  # of the requests
        self._buffer = b""
        # to be sent: triples (parts, size, file descriptor or None)
        self._waiting = collections.deque()
        # set while there is something to be sent, or nothing will be any more
        self._news = event.Event()
        self._stopping = event.Event()
        self._done = False
        self._pid = os.getpid()
        self._pulse = gevent.get_hub().loop.async_()
        self._alive = None  # a lock that is released when the hub gets around to it
        self._blocked = False  # whether it was logged that the hub is
        self._pulse.start(self._respond)

    def start(self):
        """Serves requests as soon as the hub turns."""
        self.thread.start()

    def stop(self):
        """Lets the thread end as soon as everything that has arrived is answered."""
        self._stopping.set()

    def probe(self):
        """Logs the position of the hub if it is blocked, once for each time. For another thread."""
        alive = allocate_lock()
        alive.acquire()
        self._alive = alive
        self._pulse.send()
        if alive.acquire(True, _PROMPT) or self._blocked:
            return
        self._blocked = True
        self.control.log(
            "warning",
            "gevent's hub is blocked: nothing else is served until this returns",
            traceback=stacks.text_of(stacks.running(self._ident)),
        )

    def tasks(self):
        """The positions of the greenlets of the requests, as texts. For another thread."""
        texts = []
        for greenlet in list(self._greenlets)[:_MOST_SHOWN]:
            request = getattr(greenlet, "modgw_request", None)
            frame = greenlet.gr_frame  # None: it runs, and is the thread's stack
            if request is not None and frame is not None:
                title = "greenlet serving %s, request %s" % (
                    request.exchange.title(),
                    request.exchange.environ.get("modgw.request_id", "without id"),
                )
                texts.append("%s:\n%s" % (title, stacks.text_of(stacks.outward(frame))))
        return texts

    def places(self, now):
        """Where the requests are; for another thread."""
        found = []
        for greenlet in list(self._greenlets)[:_MOST_SHOWN]:
            request = getattr(greenlet, "modgw_request", None)
            if request is None:
                continue
            frame = greenlet.gr_frame  # None: it runs, and is the thread's stack
            frames = stacks.running(self._ident) if frame is None else stacks.outward(frame)
            name = request.exchange.environ.get("modgw.request_id", "")
            found.append(stacks.place(frames, name, now - request.begun))
        return found

    def close_in_child(self):
        """Lets go of the connection in a forked child, where it is the parent's to use."""
        os.close(self.socket.detach())

    def send(self, parts, size, fd=None):
        """Has parts sent, and with their first byte the file descriptor, which is closed then."""
        self._waiting.append((parts, size, fd))
        self._news.set()

    def _respond(self):
        self._blocked = False
        if self._alive is not None:
            self._alive.release()
            self._alive = None

    def _run(self):
        reader = self._spawn(self._read)
        writer = self._spawn(self._write)
        self._stopping.wait()
        self._gevent.sleep(_ON_ITS_WAY)
        while self._greenlets:
            next(iter(self._greenlets)).join()
        reader.kill()
        self._done = True
        self._news.set()
        writer.join()

    def _spawn(self, work, *arguments):
        return self._gevent.spawn(self._do, work, *arguments)

    def _do(self, work, *arguments):
        try:
            work(*arguments)
        except self._gevent.GreenletExit:
            pass
        except BaseException as error:
            self.control.give_up(error)

    def _read(self):
        while True:
            try:
                data = self.socket.recv(_RECEIVE)
            except OSError:
                data = b""
            if not data:
                self._lose()
                return
            self._deliver_frames(self._buffer + data if self._buffer else data)

    def _deliver_frames(self, data):
        """Gives all complete frames to the requests that they belong to."""
        position, size = 0, len(data)
        while size - position >= _HEADER_SIZE:
            length, stream, kind, flags, _ = _unpack_header(data, position)
            start = position + _HEADER_SIZE
            end = start + length
            if end > size:
                break
            position = end
            if kind == _REQUEST:
                request = self._requests[stream] = RequestConn(self, self._new_event())
                request.exchange = Exchange(request, stream, flags, data, start, end)
                request.greenlet = greenlet = self._spawn(self._serve, request)
                greenlet.modgw_request = request
                self._greenlets.add(greenlet)
                continue
            request = self._requests.get(stream)
            if request is not None:
                request.handle_frame(kind, flags, data[start:end])
        self._buffer = data[position:]

    def _serve(self, request):
        request.running = True
        request.exchange.run()
        if os.getpid() != self._pid:
            # A child that the app forked came back from the request: only the parent answers it.
            os._exit(0)
        self._requests.pop(request.exchange.stream, None)
        self._greenlets.discard(request.greenlet)

    def _write(self):
        waiting = self._waiting
        while True:
            self._news.wait()
            self._news.clear()
            while waiting:
                try:
                    self._send_next()
                except OSError:
                    self._lose()
            if self._done:
                return

    def _send_next(self):
        """Sends the first waiting entry, and those that can be sent with it."""
        parts, size, fd = self._waiting.popleft()
        if fd is not None:
            try:
                sent = self.socket.sendmsg(parts, wire.rights(fd))
            finally:
                os.close(fd)
            self.socket.sendall(b"".join(parts)[sent:])
            return
        if size > _SENT_AT_ONCE:
            for part in parts:
                self.socket.sendall(part)
            return
        batch = list(parts)
        while (
            self._waiting
            and self._waiting[0][2] is None
            and size + self._waiting[0][1] <= _SENT_AT_ONCE
        ):
            parts, more, _ = self._waiting.popleft()
            size += more
            batch.extend(parts)
        self.socket.sendall(b"".join(batch))

    def _lose(self):
        """Notes that the host is gone or wants this worker no more: nothing that is answered
        reaches anybody."""
        while self._waiting:
            _, _, fd = self._waiting.popleft()
            if fd is not None:
                os.close(fd)
        for request in list(self._requests.values()):
            request.lose()


class RequestConn:
    """A request's view of the connection, as if it had one for itself."""

    pace = 0  # it is not used
    window = wire.INITIAL_WINDOW
    shared = None
    asked = settled = 0  # as Interruptible has them: a greenlet is killed instead

    def __init__(self, conn, news):
        self.app = conn.app
        self.beginnings = conn.beginnings
        self.control = conn.control
        self.exchange = None
        self.greenlet = None
        self.begun = perf_counter()
        self.running = False
        self.inside = False
        self._conn = conn
        self._news = news  # set when a frame for the stream has come

    def put(self, frame):
        self._conn.send((frame,), len(frame))

    def put_large(self, header, piece):
        self._conn.send((header, piece), len(header) + len(piece))

    def put_descriptor(self, frame, fd):
        self._conn.send((frame,), len(frame), os.dup(fd))

    def flush(self):
        """Nothing is held back that could be sent."""

    def step_out(self):
        """A greenlet is killed only while it waits."""
        return False

    def is_quiet(self):
        """All frames for this request were given to it."""
        return True

    def report(self):
        """No memory is shared here."""

    def pump(self, wait, want=0):
        """With wait, returns when a frame for this request has come: others take it in."""
        if wait:
            self._news.wait()
            self._news.clear()

    def handle_frame(self, kind, flags, payload):
        exchange = self.exchange
        exchange.handle_frame(kind, flags, payload)
        self._news.set()
        if kind == wire.CANCEL and flags & wire.END and self.running:
            self.greenlet.kill(ClientDisconnected(exchange.cancelled), block=False)

    def lose(self):
        self.exchange.cancelled = "the host has closed the connection"
        self._news.set()
