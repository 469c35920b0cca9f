"""The modules that a worker has loaded, and the other facts that a template needs about the app
that loaded them."""

import os
import sys

from . import gil

_LIBRARIES = ("/site-packages/", "/dist-packages/")


def _standard_folders():
    """stdlib and platstdlib of sysconfig, without importing it: a template must not load more than
    a worker."""
    folder = os.path.dirname(os.__file__)
    libraries = getattr(sys, "platlibdir", "lib")
    platform = os.path.join(sys.base_exec_prefix, libraries, os.path.basename(folder))
    return tuple(
        {
            f(place) + os.sep
            for place in (folder, platform)
            for f in (os.path.abspath, os.path.realpath)
        }
    )


_OWN = os.path.dirname(os.path.abspath(__file__)) + os.sep  # where compat has a module for apps
_STANDARD = _standard_folders()
_LOADERS = frozenset(
    (
        "SourceFileLoader",
        "SourcelessFileLoader",
        "ExtensionFileLoader",
        "BuiltinImporter",
        "FrozenImporter",
    )
)
_PATCHERS = ("gevent", "eventlet", "ddtrace", "newrelic", "debugpy", "pydevd")


class Loading:
    """Watches the app being loaded, between enter and leave.

    It notes the order in which imports of modules begin; sys.modules has that in which they end.
    """

    def __init__(self, before=()):
        self._order = list(before)  # the names of modules that are loaded already
        self._environ = dict(os.environ)

    def enter(self):
        sys.meta_path.insert(0, self)

    def leave(self):
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(self, name, path=None, target=None):
        self._order.append(name)
        return None

    def report(self):
        """The report for the host, as a dict."""
        return _report(self._environ, self._order)


def _report(environ, order):
    """Reports the loaded modules; those that order has come first."""
    known, app, outside = [], [], []
    loaded = dict(sys.modules)
    for name in dict.fromkeys([*order, *loaded]):
        module = loaded.get(name)
        if (
            module is None
            or name in ("__main__", "__mp_main__")
            or name.partition(".")[0] == "modgw_worker"
        ):
            continue
        file = file_of(module)
        if is_library(module, file):
            known.append((name, file, _is_plain(name, module)))
            continue
        app.append(name)
        if file and not file.startswith(_OWN):
            outside.append(file)
    names = "\n".join(sorted(name for name, _, _ in known if name not in sys.builtin_module_names))
    return {
        "known": known,
        "app": app,
        "files": outside,
        "environ": changed(environ),
        "names": names.encode("utf-8", "replace").decode(),
        "refusal": _refusal(),
    }


def changed(before):
    """The names of the variables that have changed."""
    now = dict(os.environ)
    return sorted(key for key in before.keys() | now.keys() if before.get(key) != now.get(key))


def file_of(module):
    """The file of a module, "" if it has none."""
    file = getattr(module, "__file__", None)
    return file if isinstance(file, str) else ""


def is_library(module, file):
    """Whether a module is of the environment or of Python, and not of the app."""
    if file:
        return is_library_file(file)
    try:
        folders = list(getattr(module, "__path__", ()))
    except Exception:
        return False
    return all(isinstance(folder, str) and is_library_file(folder + os.sep) for folder in folders)


def is_library_file(name):
    return any(part in name for part in _LIBRARIES) or name.startswith(_STANDARD)


def _is_plain(name, module):
    """Whether an import of the name makes just this module."""
    spec = getattr(module, "__spec__", None)
    return getattr(spec, "name", None) == name and (
        type(spec.loader).__name__ in _LOADERS or getattr(spec.loader, "__name__", "") in _LOADERS
    )


def _refusal():
    """Why workers of this app must not be forked; "" when they may."""
    if sys.implementation.name != "cpython" or sys.version_info < (3, 9):
        return "the interpreter is not CPython 3.9 or newer"
    if not gil.is_built_in():
        return "the interpreter is free-threaded"
    if sys.gettrace() or sys.getprofile():
        return "a tracer is active"
    for name in _PATCHERS:
        if name in sys.modules:
            return "the app uses %s, which changes other modules" % name
    return ""
