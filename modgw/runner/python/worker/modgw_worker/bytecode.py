"""Keeps cached bytecode from hiding a change of the source."""

import os
import time
from importlib.machinery import SourceFileLoader

_SETTLED = 2.0  # seconds


def write_only_settled():
    """Lets Python cache the bytecode of a source file only when the file is a few seconds old.

    Python considers the cache current if the source has the same size and, in whole seconds, the
    same age. A file that is saved twice within a second, "v1" and then "v2", would keep its first
    meaning.
    """
    write = getattr(SourceFileLoader, "_cache_bytecode", None)
    if write is None:
        return

    def write_when_settled(self, source_path, bytecode_path, data):
        try:
            settled = time.time() - os.stat(source_path).st_mtime > _SETTLED
        except OSError:
            return
        if settled:
            write(self, source_path, bytecode_path, data)

    SourceFileLoader._cache_bytecode = write_when_settled
