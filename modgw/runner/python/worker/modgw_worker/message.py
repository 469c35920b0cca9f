"""Reads the messages that an ASGI app sends, and reports mistakes in them."""

_REQUIRED = object()
_BYTES = (bytes, bytearray, memoryview)


def kind(message):
    """The type of a message."""
    try:
        found = message["type"]
    except (KeyError, TypeError, IndexError):
        raise TypeError(
            'cannot send %s: a message is a dict that has a "type"' % _shorten(message)
        ) from None
    if not isinstance(found, str):
        raise TypeError(
            'cannot send a message whose "type" is of type %s: it must be str' % _type(found)
        )
    return found


def read(message, name, types, default=_REQUIRED):
    """The value of name in a message; the default where it is missing or None, if it may be."""
    value = message.get(name)
    if value is None:
        if default is _REQUIRED:
            raise ValueError('cannot send %s: it has no "%s"' % (message["type"], name))
        return default
    if not isinstance(value, types):
        raise _wrong(message, name, types, value)
    return value


def read_bytes(message, name, default=_REQUIRED):
    """The value of name as bytes."""
    value = read(message, name, _BYTES, default)
    return value if type(value) is bytes else bytes(value)


def read_headers(message):
    """The headers of a message as a list of pairs of bytes, the only form that the host accepts."""
    headers = []
    for pair in _iterate(message, "headers"):
        try:
            name, value = pair
        except (TypeError, ValueError):
            raise TypeError(
                "cannot use %s as a header: it must be a pair of bytes" % _shorten(pair)
            ) from None
        if type(name) is not bytes or type(value) is not bytes:
            name, value = _plain(name, "a header"), _plain(value, "a header")
        headers.append((name, value))
    return headers


def read_links(message):
    """The links of an early hint as a list of bytes."""
    return [_plain(link, "a link") for link in _iterate(message, "links")]


def _iterate(message, name):
    values = message.get(name)
    if values is None:
        return ()
    try:
        return iter(values)
    except TypeError:
        raise _wrong(message, name, "an iterable", values) from None


def _plain(part, where):
    if isinstance(part, _BYTES):
        return bytes(part)
    raise TypeError(
        "cannot use %s in %s: it must be bytes, not %s" % (_shorten(part), where, _type(part))
    )


def _wrong(message, name, wanted, value):
    if isinstance(wanted, tuple):
        wanted = wanted[0]
    if isinstance(wanted, type):
        wanted = wanted.__name__
    return TypeError(
        'cannot send %s: its "%s" must be %s, not %s'
        % (message["type"], name, wanted, _type(value))
    )


def _type(value):
    return "None" if value is None else type(value).__name__


def _shorten(value):
    text = repr(value)
    return text if len(text) <= 100 else text[:99] + "\u2026"
