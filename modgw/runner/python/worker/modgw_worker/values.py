"""The values of prometheus_client, in memory that the worker shares with the host.

The host adds them up over all workers.
"""

import os
import struct
import sys
import threading

from .sharedbuffer import map_memory

_LIBRARY = "prometheus_client"
_MODULE = _LIBRARY + ".values"
_MAGIC = 0x314C4156574D
_SIZE = 8 << 20
_HEADER = struct.Struct("<QQQ")  # the magic number, the bytes in use, values that found no room
_FIRST = 64  # where entries begin
_LENGTH = struct.Struct("<I")
_ENTRY = struct.Struct("<dd")  # a value, and when it was set
_LONGEST_KEY = 16 << 10
_REMOVED = float("nan")


def prepare():
    """Lets the library use Value when it is imported, which may have happened already.

    Call it before the app is loaded.
    """
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ or "prometheus_multiproc_dir" in os.environ:
        return  # The app adds the values up itself.
    if any(isinstance(finder, _Finder) for finder in sys.meta_path):
        return
    loaded = sys.modules.get(_MODULE)
    if loaded is not None:
        loaded.ValueClass = Value
    else:
        sys.meta_path.insert(0, _Finder())


def share(fd):
    """Shares the memory of a descriptor, which is closed, with all values."""
    memory = map_memory(fd, _SIZE)
    if memory is not None:
        _page.share(memory)
        os.register_at_fork(after_in_child=_page.leave)


class _Finder:
    """Finds nothing, but sees that the library's module is about to be imported."""

    def find_spec(self, name, path=None, target=None):
        if name != _MODULE:
            return None
        from importlib.machinery import PathFinder

        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            sys.meta_path[:] = [finder for finder in sys.meta_path if finder is not self]
            execute = spec.loader.exec_module

            def execute_and_replace(module):
                execute(module)
                module.ValueClass = Value

            spec.loader.exec_module = execute_and_replace
        return spec


class _Page:
    """The memory, and the values that have a place in it. Without memory it only keeps the values.
    """

    def __init__(self):
        self.memory = None
        self._lock = threading.Lock()
        self._used = _FIRST
        self._lost = 0
        self._entries = {}  # by key

    def entry(self, key):
        """The common part of all values with a key."""
        with self._lock:
            found = self._entries.get(key)
            if found is None:
                found = self._entries[key] = _Entry(key)
                self._place(found)
            return found

    def share(self, memory):
        with self._lock:
            self.memory = memory
            _HEADER.pack_into(memory, 0, _MAGIC, self._used, 0)
            for entry in self._entries.values():
                self._place(entry)

    def leave(self):
        """Gives a forked child values of its own: the memory is its parent's."""
        self._lock = threading.Lock()
        self.memory = None
        for entry in self._entries.values():
            entry.place = 0
            entry.lock = threading.Lock()

    def _place(self, entry):
        memory = self.memory
        if memory is None:
            return
        key = entry.text()
        place = self._used + ((_LENGTH.size + len(key) + 7) & ~7)
        end = place + _ENTRY.size
        if len(key) > _LONGEST_KEY or end > _SIZE:
            self._lost += 1
        else:
            _LENGTH.pack_into(memory, self._used, len(key))
            memory[self._used + _LENGTH.size : self._used + _LENGTH.size + len(key)] = key
            with entry.lock:
                _ENTRY.pack_into(memory, place, entry.value, entry.time)
                entry.place = place
            self._used = end
        _HEADER.pack_into(memory, 0, _MAGIC, self._used, self._lost)


class _Entry:
    """A value in the memory, of a series with a key."""

    __slots__ = ("key", "lock", "value", "time", "place")

    def __init__(self, key):
        self.key = key
        self.lock = threading.Lock()
        self.value = 0.0
        self.time = 0.0
        self.place = 0  # where it is in the memory; 0: nowhere

    def text(self):
        import json  # not everybody needs it

        names = ("type", "mode", "metric", "name", "help", "labels", "values")
        return json.dumps(dict(zip(names, self.key))).encode("ascii")

    def write(self):
        """Writes the value, whose lock is held."""
        if self.place:
            memory = _page.memory
            if memory is not None:
                _ENTRY.pack_into(memory, self.place, self.value, self.time)


class Value:
    """Takes the place of prometheus_client.values.MutexValue."""

    _multiprocess = False

    def __init__(
        self, typ, metric_name, name, labelnames, labelvalues, help_text, multiprocess_mode="", **_
    ):
        labels, values = tuple(map(str, labelnames)), tuple(map(str, labelvalues))
        key = (typ, multiprocess_mode, metric_name, name, help_text[:1000], labels, values)
        self._value = 0.0
        self._exemplar = None
        self._entry = entry = _page.entry(key)
        if entry.value != entry.value:  # It was removed, and is there again.
            entry.value = 0.0
            entry.write()

    def __del__(self):
        entry = self._entry
        if entry.key[0] == "gauge" and not sys.is_finalizing():
            entry.value = _REMOVED
            entry.write()

    def inc(self, amount):
        entry = self._entry
        with entry.lock:
            self._value += amount
            entry.value += amount
            entry.write()

    def set(self, value, timestamp=None):
        entry = self._entry
        with entry.lock:
            self._value = entry.value = value
            entry.time = timestamp or 0.0
            entry.write()

    def get(self):
        with self._entry.lock:
            return self._value

    def set_exemplar(self, exemplar):
        with self._entry.lock:
            self._exemplar = exemplar

    def get_exemplar(self):
        with self._entry.lock:
            return self._exemplar


_page = _Page()
