"""The environ of WSGI requests."""

import marshal

from .filewrapper import FileWrapper

_loads = marshal.loads

_MOST = 64  # beginnings that are kept
_LONGEST = 4096  # bytes of one that is kept


class Beginnings(dict):
    """The common parts of many requests, by the bytes in which the host sends them.

    Each is a dict with which the environ of a request begins: it is to be copied. Making it from
    the bytes would cost more than anything else that the worker does for a short request."""

    def __init__(self, own):
        super().__init__()
        self._own = own  # the part of every environ that the host does not send

    def __missing__(self, data):
        beginning = _loads(data)
        beginning.update(self._own)
        if len(data) <= _LONGEST:
            if len(self) >= _MOST:
                self.clear()  # They do not save work: each client has its own.
            self[data] = beginning
        return beginning


def environ_for(start, conns):
    """The constant part of every request's environ."""
    return {
        "wsgi.version": (1, 0),
        "wsgi.multithread": conns > 1,
        "wsgi.multiprocess": True,  # Even a single worker meets its successor while it drains.
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
        "wsgi.file_wrapper": FileWrapper,
        "modgw.app": start["app"],
        "modgw.generation": start["generation"],
        "modgw.worker": start["worker"],
    }
