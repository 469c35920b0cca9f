"""SIGTERM means stop, and a second one means at once; SIGINT is the host's business."""

import os
import signal
import socket
import threading
from select import POLLIN, poll  # which gevent replaces in the module


class Stopped(SystemExit):
    """Ends the loading of an app."""


class Signals:
    """The signal handlers of the worker. All methods but wait are for the main thread.

    The thread that waits reads from the wakeup descriptor which signals came: the handlers run in
    the main thread, which may be about to block in a system call, or busy with a request of the
    app.
    """

    def __init__(self, control):
        self.stopping = False
        self._terminated = False  # whether the handler of SIGTERM has run
        # makes the main thread handle signals, where it runs a loop and another thread waits
        self.poke = None
        self._loading = False
        self._control = control
        self._masks = threading.local()
        # A signal that comes just before the main thread begins to wait must still end the wait.
        self._wake, self._waker = socket.socketpair()
        self._wake.setblocking(False)
        self._waker.setblocking(False)

    def install(self):
        self._loading = True
        self._take_over()

    def restore(self):
        """Takes the signals back from an app that has set its own handlers while it was loaded."""
        self._loading = False
        replaced = signal.getsignal(signal.SIGTERM) != self._terminate
        self._take_over()
        if replaced:
            self._control.log(
                "warning",
                "cannot let the app handle SIGTERM: its handler was replaced; use atexit to do "
                "something at the end",
            )

    async def restore_in_loop(self, loop):
        """Restores the signal handlers after an app has set its own while its loop started; it may
        have others.

        It runs in the loop: uvloop releases a handler only while it runs.
        """
        own = {signal.SIGTERM: self._terminate, signal.SIGINT: self._interrupt}
        replaced = [number for number in own if signal.getsignal(number) != own[number]]
        for number in replaced:
            loop.remove_signal_handler(number)
            signal.signal(number, own[number])
        # The loop has a wakeup of its own as long as it handles any signal, and of the two either
        # is enough.
        waker = signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        if waker not in (-1, self._waker.fileno()):
            signal.set_wakeup_fd(waker)
        if replaced:
            self._control.log(
                "warning",
                "cannot let the app handle %s: the host owns these signals; do what is due at the "
                "end in the shutdown of "
                "the lifespan" % " and ".join(signal.Signals(number).name for number in replaced),
            )

    def hold(self):
        """Puts SIGTERM off while the calling thread forks: a child forgets signals that come before
        it is set up."""
        self._masks.before_fork = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})

    def release(self):
        """Reverts hold."""
        signal.pthread_sigmask(signal.SIG_SETMASK, self._masks.before_fork)

    def reset(self):
        """Gives the signals their usual meaning in a forked child, unless the app has handlers of
        its own."""
        ours = (
            signal.getsignal(signal.SIGTERM) == self._terminate,
            signal.getsignal(signal.SIGINT) == self._interrupt,
        )
        try:
            if ours[0]:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
            if ours[1]:
                signal.signal(signal.SIGINT, signal.default_int_handler)
        except ValueError:
            # PyPy does not make the thread that forked the main thread, which alone may set
            # handlers.
            _reset_in_c(number for number, own in zip((signal.SIGTERM, signal.SIGINT), ours) if own)

    def wait(self, hosts, look):
        """Waits for a frame of one of the hosts, and returns that host; None when it is time to
        stop.

        look is called before each wait, and returns its longest duration in milliseconds; None: no
        limit. It is also called soon after wake."""
        poller = poll()
        poller.register(self._wake, POLLIN)
        for host in hosts:
            poller.register(host.control.socket, POLLIN)
        while not self.stopping:
            for host in hosts:
                if host.control.pending():
                    return host
            ready = dict(poller.poll(look()))
            for host in hosts:
                if host.control.socket.fileno() in ready:
                    return None if self.stopping else host
            self._drain()
            if self.poke:
                self.poke()
        return None

    def wake(self):
        """Ends a wait, so that look is called. Any thread may call it."""
        try:
            self._waker.send(b"!")
        except BlockingIOError:
            pass  # It is awake already.

    def _take_over(self):
        signal.signal(signal.SIGTERM, self._terminate)
        # not SIG_IGN, which programs that the app starts would inherit
        signal.signal(signal.SIGINT, self._interrupt)
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)

    def _drain(self):
        try:
            if signal.SIGTERM in self._wake.recv(4096):
                self.stopping = True
        except BlockingIOError:
            pass

    def _terminate(self, number, frame):
        if self._terminated:
            os._exit(0)
        self._terminated = self.stopping = True
        self.wake()  # The app may have replaced the wakeup descriptor.
        if self._loading:
            raise Stopped(0)

    def _interrupt(self, number, frame):
        pass


def _reset_in_c(numbers):
    import ctypes

    default = ctypes.CDLL(None).signal
    default.argtypes = (ctypes.c_int, ctypes.c_void_p)
    for number in numbers:
        default(number, None)
