"""Ends the worker when the host is gone, even while an extension module never gives the interpreter
back."""

import fcntl
import os
import select
import signal


def hold(fd):
    """Makes the kernel send SIGIO, which ends the process group, when the other end of the pipe is
    closed.

    The host never writes to the pipe, so that nothing else raises the signal.
    """
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGIO})
    # Only a group of its own: that of a worker that was started by hand contains other processes.
    owner = -os.getpgrp() if os.getpgrp() == os.getpid() else os.getpid()
    fcntl.fcntl(fd, fcntl.F_SETOWN, owner)
    fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | os.O_ASYNC)
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    if poll.poll(0):
        os.kill(owner, signal.SIGIO)  # It was closed before the kernel knew the owner.
