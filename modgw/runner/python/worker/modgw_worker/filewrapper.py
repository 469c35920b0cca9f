"""wsgi.file_wrapper: a file that the host sends by itself where it can."""

import io
import os
import stat

_FILES = (io.BufferedReader, io.BufferedRandom, io.FileIO)


class FileWrapper:
    """An iterable of blocks of a file-like object, for any use that an app has for it."""

    def __init__(self, filelike, blksize=8192):
        self.filelike = filelike
        self.blksize = blksize
        if hasattr(filelike, "close"):
            self.close = filelike.close

    def __iter__(self):
        return self

    def __next__(self):
        data = self.filelike.read(self.blksize)
        if data:
            return data
        raise StopIteration

    def descriptor(self):
        """The descriptor, position and remaining size of the file; None if it is no regular file.

        A fileno alone proves nothing: that of a GzipFile is the compressed file's. The object that
        really reads decides.
        """
        file = self._reader()
        if type(file) not in _FILES:
            return None
        try:
            fd = file.fileno()
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode):
                return None
            position = file.tell()
        except (OSError, ValueError):
            return None
        return fd, position, max(0, status.st_size - position)

    def _reader(self):
        """The object whose read is finally called: tempfile and Django wrap files and pass read on.
        """
        read = getattr(self.filelike, "read", None)
        if type(self.filelike).__module__ == "tempfile":
            read = getattr(read, "__wrapped__", read)
        return getattr(read, "__self__", None)
