"""The environ of WSGI requests."""

import marshal

from .filewrapper import FileWrapper

_loads = marshal.loads

_MOST = 64  # beginnings that are kept
_LONGEST = 4096  # bytes of one that is kept


class Beginnings(dict):
    """What many requests have in common, by the bytes in which the host sends it.

    Each is a dict with which the environ of a request begins: it is to be copied. Making it from
    the bytes would cost more than anything else that the worker does for a short request."""

    def __init__(self, own):
        super().__init__()
        self._own = own  # what is in every environ, and the host does not know

    def __missing__(self, data):
        beginning = _loads(data)
        beginning.update(self._own)
        if len(data) <= _LONGEST:
            if len(self) >= _MOST:
                self.clear()  # They are not what they were kept for: each client has its own.
            self[data] = beginning
        return beginning


def environ_for(start, conns):
    """What is in the environ of every request."""
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
