"""The arguments of start_response, checked and prepared for the host."""

import re

from . import wire

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+").fullmatch
_LATIN_1 = re.compile(r"[\t\x20-\x7e\x80-\xff]*").fullmatch
_STATUS = re.compile(r"[1-9][0-9][0-9](?: [\t\x20-\x7e\x80-\xff]*)?").fullmatch

# Apps use few names and statuses again and again: checking each of them once is enough. The bound
# is for those that make them up.
_names = {}  # checked header names; True for Content-Length
_statuses = {}  # checked statuses, by themselves
_REMEMBERED = 1000


def response_head(status, headers):
    """The head of a response as the host takes it, and its Content-Length or -1."""
    checked = _statuses.get(status) if type(status) is str else None
    if checked is None:
        checked = _check_status(status)
    if type(headers) is not list:
        raise TypeError(
            "cannot use %s as headers: start_response wants a list of tuples" % kind(headers)
        )
    parts = [checked]
    length = -1
    for header in headers:
        if type(header) is not tuple or len(header) != 2:
            raise TypeError(
                "cannot use %r as a header: it must be a tuple (name, value)" % (header,)
            )
        name, value = header
        if type(name) is not str or type(value) is not str:
            return response_head(status, [_plain(header) for header in headers])
        is_length = _names.get(name)
        if is_length is None:
            is_length = _check_name(name)
        if not (value.isascii() and value.isprintable()):
            _check_value(name, value)
        if is_length:
            length = _parse_length(value)
        parts += header
    head = "\0".join(parts).encode("latin-1")
    if len(head) > wire.MAX_PAYLOAD // 2:
        raise ValueError("cannot send %d bytes of headers" % len(head))
    return head, length


def with_length(head, length):
    """The head with a Content-Length added."""
    return head + b"\0Content-Length\0%d" % length


def as_bytes(data, what="the app's iterable yielded"):
    """data if it is bytes; what names its source for the error if it is not."""
    if isinstance(data, bytes):
        return bytes(data)
    raise TypeError("cannot send a response: %s %s, not bytes" % (what, kind(data)))


def kind(value):
    """The name of a value's wrong type for an error."""
    return "None" if value is None else type(value).__name__


def _check_status(status):
    if not isinstance(status, str):
        raise TypeError('cannot use %s as status: it must be a str such as "200 OK"' % kind(status))
    status = str.__str__(status)
    if not _STATUS(status):
        raise ValueError('cannot use %r as status: it must look like "200 OK"' % status)
    if len(_statuses) < _REMEMBERED:
        _statuses[status] = status
    return status


def _check_name(name):
    if not _TOKEN(name):
        raise ValueError("cannot use %r as the name of a header" % name)
    is_length = name.lower() == "content-length"
    if len(_names) < _REMEMBERED:
        _names[name] = is_length
    return is_length


def _check_value(name, value):
    if not _LATIN_1(value):
        what = "it has control characters or ones beyond latin-1"
        raise ValueError("cannot use %r as the value of the header %s: %s" % (value, name, what))


def _parse_length(value):
    if not value.isdigit():
        raise ValueError("cannot use %r as Content-Length: it must be a number" % value)
    return int(value)


def _plain(header):
    """The header with subclasses of str made plain, which may have methods of their own."""
    for part in header:
        if not isinstance(part, str):
            raise TypeError(
                "cannot use %r as a header: name and value must be str, not %s"
                % (header, kind(part))
            )
    return str.__str__(header[0]), str.__str__(header[1])
