"""Which of Python's gateway conventions a callable looks like."""

import functools
import inspect


def mistake(value, kind):
    """What is wrong with running value as kind, "wsgi" or "asgi"; "" when nothing speaks against it.

    It never decides the kind: that the descriptor does.
    """
    if kind == "wsgi":
        return "it is an ASGI app, which an asgi block runs" if _is_coroutine(value) or _is_awaited(value) else ""
    if not _is_coroutine(value) and not inspect.isclass(value) and _required(value) == 2:
        return "it is a WSGI app, which a wsgi block runs"
    return ""


def as_asgi3(app):
    """app, made a single callable when it is one of ASGI 2: called with the scope, and then with receive and send."""
    if not _is_asgi2(app):
        return app

    @functools.wraps(app, updated=())
    async def single(scope, receive, send):
        await app(scope)(receive, send)

    return single


def _is_asgi2(app):
    # asgiref has these for what it cannot find out either.
    for name, answer in (("_asgi_single_callable", False), ("_asgi_double_callable", True)):
        if getattr(app, name, False):
            return answer
    if _is_coroutine(app) or _is_awaited(app):
        return False
    required = _required(app)
    return required == 1 or inspect.isclass(app) and required != 3


def _is_awaited(value):
    """Whether value is a class whose instances are awaited, which begin as coroutines do: with all three arguments."""
    return inspect.isclass(value) and hasattr(value, "__await__")


def _is_coroutine(value):
    while isinstance(value, functools.partial):
        value = value.func
    return inspect.iscoroutinefunction(value) or (
        not inspect.isclass(value) and inspect.iscoroutinefunction(type(value).__call__)
    )


def _required(value):
    """How many positional arguments value takes at least and at most; -1 when that is not one number."""
    try:
        parameters = inspect.signature(value).parameters.values()
    except (TypeError, ValueError):
        return -1
    count = 0
    for parameter in parameters:
        if parameter.kind is parameter.VAR_POSITIONAL:
            return -1
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            if parameter.default is not parameter.empty:
                return -1
            count += 1
    return count
