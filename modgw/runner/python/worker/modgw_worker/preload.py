"""Imports the modules of the environment ahead of the app, and finds out which of them must not
be."""

import _signal
import importlib
import importlib.machinery
import os
import sys

from . import modules

# Things that these start cannot be seen from outside, or must not be shared by processes.
_NEVER = frozenset(
    "gevent eventlet greenlet grpc torch tensorflow jax jaxlib cupy numba ddtrace newrelic "
    "debugpy pydevd coverage"
    " ray dask pyspark jpype mpi4py antigravity".split()
)
_NEVER_EXACTLY = frozenset(
    (
        "numpy.random",  # would begin with the same numbers in all processes
        "opentelemetry.instrumentation.auto_instrumentation.sitecustomize",  # instruments at once
    )
)

# Extension modules read variables without being seen. They do not read these.
_HARMLESS = frozenset(
    ("DJANGO_SETTINGS_MODULE", "DJANGO_CONFIGURATION", "FLASK_APP", "FLASK_ENV", "FLASK_DEBUG")
)


_SUFFIXES = tuple(importlib.machinery.all_suffixes())


class Excluded(BaseException):
    """Ends the import of a module that must not be loaded here. No handler in a module should stop
    it."""


class Preload:
    """The modules that workers will begin with."""

    def __init__(self, report, excluded):
        self._known = {name: file for name, file, _ in report["known"]}
        self._plain = [name for name, _, plain in report["known"] if plain]
        self._watch = _Watch(
            self._known, frozenset(report["app"]), excluded, frozenset(report["environ"])
        )
        self._base = frozenset(sys.modules)
        self._environ = dict(os.environ)
        self._files = {}
        self.arguments = []  # of the worker that was forked

    def run(self):
        """Imports them and returns the names that must be excluded the next time, and why: none
        when all is well."""
        watch = self._watch
        watch.begin()
        try:
            for name in self._plain:
                if name not in sys.modules and not watch.refuses(name):
                    self._import(name)
        finally:
            watch.end()
        if not watch.blamed:
            self._remember_files()
        return watch.blamed

    def order(self):
        """The names of the modules that workers begin with, in the order in which they were loaded.
        """
        return self._plain

    def count(self):
        """How many modules were loaded."""
        return len(sys.modules.keys() - self._base)

    def changed(self):
        """The file that differs from the imported one; "" if none does."""
        for file, before in self._files.items():
            if _identity(file) != before:
                return "%s has changed" % file
        return ""

    def unsuitable(self):
        """Describes a state of this process, in which the app was loaded, that might differ in a
        process of its own; "" if there is none."""
        environ = frozenset(modules.changed(self._environ))
        read = self._watch.reads & environ
        if read or (environ and "*" in self._watch.reads):
            return "the app sets %s, which modules of the environment read" % ", ".join(
                sorted(read or environ)
            )
        if environ - _HARMLESS and self._watch.native:
            return "the app sets %s, which an extension module may read" % ", ".join(
                sorted(environ - _HARMLESS)
            )
        for name in ("gevent", "eventlet"):
            if name in sys.modules:
                return "the app uses %s" % name
        return self._shadowed()

    def _import(self, name):
        try:
            importlib.import_module(name)
        except Excluded:
            self._watch.blame((name,), "needs what is excluded")
        except BaseException as error:
            self._watch.blame((name,), "%s: %s" % (type(error).__name__, str(error)[:200]))
        self._watch.settle()

    def _remember_files(self):
        for name in sys.modules.keys() - self._base:
            file = modules.file_of(sys.modules[name])
            if file:
                self._files[file] = _identity(file)

    def _shadowed(self):
        """A module of the environment that an import would now find among the app's own files."""
        tops = {name.partition(".")[0] for name in self._watch.loaded}
        for folder in sys.path:
            if modules.is_library_file(folder + os.sep):
                continue
            try:
                entries = os.listdir(folder or ".")
            except OSError:
                continue
            for entry in entries:
                stem = entry.partition(".")[0]
                if stem not in tops:
                    continue
                if entry.endswith(_SUFFIXES) or _is_package(os.path.join(folder, entry)):
                    return "%s in %s hides a module of the environment" % (entry, folder)
        return ""


class _Watch:
    """Is asked for every module that is not loaded yet, and thereby sees the imports and their
    effects."""

    def __init__(self, known, app, excluded, environ):
        self.blamed = {}
        self.reads = set()  # variables that modules asked for; "*" for all of them
        self.native = False  # whether an extension module that is not Python's own was loaded
        self.loaded = set()
        self._known = known
        self._app = app
        self._excluded = excluded
        self._environ = environ
        self._attempts = []  # (name, importers)
        # the modules that were being imported at the last look, the innermost last
        self._stack = []
        self._state = None

    def begin(self):
        self._state = _state()
        sys.meta_path.insert(0, self)
        self._undo = _record_reads(self._read)

    def end(self):
        self._undo()
        sys.meta_path.remove(self)
        tried = set()
        for name, importers in self._attempts:
            self._judge(name, importers)
            if name in tried and name in self._known:
                self.blame((name, *importers), "was looked for twice")
            tried.add(name)

    def find_spec(self, name, path=None, target=None):
        importers = self._update_stack()
        self._attempts.append((name, importers))
        if name in self._app:
            self.blame(importers, "needs %s, which is the app's" % name)
            raise Excluded(name)
        if self.refuses(name):
            self.blame(importers, "needs %s, which is excluded" % name)
            raise Excluded(name)
        self._stack = [*importers, name]
        return None

    def refuses(self, name):
        return name in self._excluded or name in _NEVER_EXACTLY or name.partition(".")[0] in _NEVER

    def settle(self):
        """Checks the effects of a whole import."""
        self._update_stack()
        self._stack = []

    def blame(self, names, why):
        for name in names:
            if name not in self._excluded:
                self.blamed.setdefault(name, why)

    def _update_stack(self):
        """Updates the modules that are being imported; blames those that ran since the last look
        for the things that were started."""
        before, now = self._stack, tuple(filter(_is_initializing, self._stack))
        state = _state()
        for what, old, new in zip(_STATE, self._state, state):
            if old != new:
                self.blame(before, "changes %s when it is imported" % what)
        self._state = state
        self._stack = list(now)
        return now

    def _judge(self, name, importers):
        module = sys.modules.get(name)
        if module is None:
            if name in self._known:
                self.blame((name, *importers), "cannot be imported without the app")
            return
        file = modules.file_of(module)
        if name not in self._known or self._known[name] != file:
            self.blame((name, *importers), "is not what the app has loaded")
        self.loaded.add(name)
        loader = getattr(getattr(module, "__spec__", None), "loader", None)
        if type(loader).__name__ == "ExtensionFileLoader" and "-packages/" in file:
            self.native = True
            if self._environ - _HARMLESS:
                self.blame((name, *importers), "may read a variable that the app sets")

    def _read(self, key):
        self.reads.add(key)
        if key in self._environ or (key == "*" and self._environ):
            self.blame(self._update_stack(), "reads a variable that the app sets")


_STATE = ("threads", "open files", "signal handlers", "sys.path", "the working directory")


def _state():
    return (
        len(os.listdir("/proc/self/task")),
        frozenset(os.listdir("/proc/self/fd")),
        tuple(map(_signal.getsignal, range(1, 32))),
        tuple(sys.path),
        os.getcwd(),
    )


def _is_initializing(name):
    return getattr(getattr(sys.modules.get(name), "__spec__", None), "_initializing", False)


def _is_package(folder):
    try:
        return any(entry.startswith("__init__.") for entry in os.listdir(folder))
    except OSError:
        return False


def _identity(file):
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _record_reads(read):
    """Calls read with the name of every variable that is read; returns a function that ends that.
    """
    kind = type(os.environ)
    get, walk = kind.__getitem__, kind.__iter__

    def recorded_get(self, key):
        read(key)
        return get(self, key)

    def recorded_walk(self):
        read("*")
        return walk(self)

    kind.__getitem__, kind.__iter__ = recorded_get, recorded_walk

    def undo():
        kind.__getitem__, kind.__iter__ = get, walk

    return undo
