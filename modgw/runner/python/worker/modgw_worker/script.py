"""Imports an entry that is no module: my-site.wsgi, or a file that has the name of a library.

Such a file gets a name that contains its path, so that any process in which install was called can
import it: another worker that unpickles one of its objects, or a child that multiprocessing has
spawned. Such a child runs the file of its parent's __main__ before it does anything else
(multiprocessing.spawn), and load makes that this file. Therefore it must not import anything of
this package.
"""

import importlib
import importlib.machinery
import importlib.util
import os
import re
import sys

_PREFIX = "_modgw_"


def load(file):
    """The module of the file at an absolute path."""
    install()
    _lead_children_here()
    return importlib.import_module(_name(file))


def install():
    """Makes the import system find these modules."""
    if Finder not in sys.meta_path:
        sys.meta_path.append(Finder)


def is_script(name):
    """Whether a module has its name from here."""
    return name.startswith(_PREFIX)


class Finder:
    """Finds these modules by their names. It is for sys.meta_path."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if not is_script(name) or "." in name:
            return None
        file = _file(name)
        return importlib.util.spec_from_file_location(name, file, loader=_Loader(name, file))


class _Loader(importlib.machinery.SourceFileLoader):
    """Compiles a file with any suffix, without a cached copy: blog.wsgi and blog.py would share
    one."""

    def get_code(self, fullname):
        return compile(self.get_data(self.path), self.path, "exec", dont_inherit=True)


def _name(file):
    """The name for a file: "/a-b" is _modgw__2fa_2db."""
    return _PREFIX + re.sub(
        b"[^0-9A-Za-z]", lambda found: b"_%02x" % ord(found.group()), os.fsencode(file)
    ).decode("ascii")


def _file(name):
    """The file that has the name."""
    escaped = name[len(_PREFIX) :].encode("ascii")
    return os.fsdecode(
        re.sub(b"_([0-9a-f]{2})", lambda found: bytes((int(found.group(1), 16),)), escaped)
    )


def _lead_children_here():
    """Makes children run this file, unless the process has a program of its own, such as a test's.
    """
    main = sys.modules["__main__"]
    spec = getattr(main, "__spec__", None)
    if (
        spec is not None
        and spec.name.partition(".")[0] == "modgw_worker"
        or not hasattr(main, "__file__")
    ):
        main.__spec__, main.__file__ = None, os.path.abspath(__file__)


if __name__ == "__mp_main__":
    install()
