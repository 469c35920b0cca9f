"""Which of Python's gateway conventions a callable looks like."""

import functools
import sys
import types

# inspect, with its imports, takes a MiB of each worker, which most frameworks need anyway and small
# apps do not.
_CO_COROUTINE = 0x80  # inspect.CO_COROUTINE


def mistake(value, kind):
    """Describes the mistake in running value as kind, "wsgi" or "asgi"; "" if there is none.

    It never decides the kind: the descriptor does.
    """
    if kind == "wsgi":
        return (
            "it is an ASGI app, which an asgi block runs"
            if _is_coroutine(value) or _is_awaited(value)
            else ""
        )
    if not _is_coroutine(value) and not isinstance(value, type) and _required(value) == 2:
        return "it is a WSGI app, which a wsgi block runs"
    return ""


def as_asgi3(app):
    """app, made a single callable when it is one of ASGI 2: called with the scope, and then with
    receive and send."""
    if not _is_asgi2(app):
        return app

    @functools.wraps(app, updated=())
    async def single(scope, receive, send):
        await app(scope)(receive, send)

    return single


def _is_asgi2(app):
    # asgiref has these for callables that it cannot recognise either.
    for name, answer in (("_asgi_single_callable", False), ("_asgi_double_callable", True)):
        if getattr(app, name, False):
            return answer
    if _is_coroutine(app) or _is_awaited(app):
        return False
    required = _required(app)
    return required == 1 or isinstance(app, type) and required != 3


def _is_awaited(value):
    """Whether value is a class whose instances are awaited, which begin as coroutines do: with all
    three arguments."""
    return isinstance(value, type) and hasattr(value, "__await__")


def _is_coroutine(value):
    while isinstance(value, functools.partial):
        value = value.func
    return _is_coroutine_function(value) or (
        not isinstance(value, type) and _is_coroutine_function(type(value).__call__)
    )


def _is_coroutine_function(value):
    """The same as inspect.iscoroutinefunction. Only inspect marks other callables as such."""
    if "inspect" in sys.modules:
        return sys.modules["inspect"].iscoroutinefunction(value)
    if isinstance(value, types.MethodType):
        value = value.__func__
    return isinstance(value, types.FunctionType) and bool(value.__code__.co_flags & _CO_COROUTINE)


def _required(value):
    """How many positional arguments value takes at least and at most; -1 when that is not one
    number."""
    import inspect

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
