"""Finds and loads the app that a descriptor's entry names."""

import importlib
import importlib.util
import os
import sys

from . import compat, convention, script, warmup
from .failure import describe

_DEFAULT_NAMES = ("application", "app")


class LoadError(Exception):
    """Why there is no app: fields is the payload of a Failed frame."""

    def __init__(self, reason, failure):
        super().__init__(failure.message)
        self.fields = {
            "reason": reason,
            "type": failure.type,
            "message": failure.message,
            "file": failure.file,
            "line": failure.line,
            "text": failure.text,
            "traceback": failure.traceback,
        }


def load(start):
    """The callable that a Start message names and its name; prepares sys.path and sys.argv for it.
    Raises LoadError."""
    entry, root, path = start["entry"], start["root"], start["path"]
    sys.argv[:] = [entry]
    file, expression = _split(entry)
    base = _import_base(file, root) if file else root
    _put_first(sys.path, [*path, base, root])
    with _Explained("import"):
        compat.prepare(start)
        if "telemetry" in start:
            from . import telemetry  # few apps need it

            with _Explained("telemetry"):
                telemetry.start(start["telemetry"])
        module = (
            _load_file(file, base) if file else importlib.import_module(entry.partition(":")[0])
        )
        app, name = _find(module, expression, start["kind"])
        warmup.complete(start["mount"])
        return compat.wrap(app, name, start), name


class _Explained:
    """Makes every exception a LoadError with a reason, or one with the reason "exit"."""

    def __init__(self, reason):
        self._reason = reason

    def __enter__(self):
        pass

    def __exit__(self, kind, error, trace):
        if error is not None and not isinstance(error, LoadError):
            reason = "exit" if isinstance(error, SystemExit) else self._reason
            raise LoadError(reason, describe(error)) from error


def start(loop):
    """Starts a loop with the app's lifespan. Raises LoadError."""
    with _Explained("startup"):
        loop.start()


def load_callable(text, root, usual):
    """The callable that text names as an entry does, the usual one of a file; sys.path was prepared
    by load. Raises LoadError."""
    file, expression = _split(text)
    with _Explained("import"):
        module = (
            _load_file(file, _import_base(file, root))
            if file
            else importlib.import_module(text.partition(":")[0])
        )
        return _find(module, expression or usual, "wsgi")[0]


def _split(entry):
    """The file ("" for a module) and the expression ("" for the default names)."""
    if not entry.startswith("/"):
        return "", entry.partition(":")[2]
    colon = -1
    while not os.path.exists(entry):
        colon = entry.find(":", colon + 1)
        if colon < 0:
            break
        if os.path.isfile(entry[:colon]):
            return entry[:colon], entry[colon + 1 :]
    return entry, ""


def _import_base(file, root):
    """The folder from which an import would find the file: above the packages that it is in, but
    never above root."""
    folder = os.path.dirname(file)
    while folder != root and os.path.exists(os.path.join(folder, "__init__.py")):
        folder = os.path.dirname(folder)
    return folder


def _put_first(entries, wanted):
    """Puts the wanted entries first, in their order, each once."""
    first = list(dict.fromkeys(entry for entry in wanted if entry))
    entries[:] = first + [entry for entry in entries if entry not in first]


def _load_file(file, base):
    """The module of a file: the one that an import of it returns, if there is one, so that it is
    never loaded twice."""
    name = _import_name(file, base)
    return importlib.import_module(name) if name else script.load(file)


def _import_name(file, base):
    """The dotted name under which the import system finds file, or ""."""
    stem, suffix = os.path.splitext(os.path.relpath(file, base))
    parts = stem.split(os.sep)
    if suffix != ".py" or not all(part.isidentifier() for part in parts) or parts[-1] == "__main__":
        return ""
    name = parts[0]
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return ""
    if spec is None or not spec.origin:
        return ""
    first = os.path.join(base, name, "__init__.py") if len(parts) > 1 else file
    if (
        os.path.exists(spec.origin)
        and os.path.exists(first)
        and os.path.samefile(spec.origin, first)
    ):
        return ".".join(parts)
    return ""


def _find(module, expression, kind):
    """The callable that expression names in the module, and its name."""
    if not expression:
        for name in _DEFAULT_NAMES:
            if hasattr(module, name):
                return _checked(getattr(module, name), name, module, kind)
        raise _missing(module, " or ".join(_DEFAULT_NAMES))
    if all(part.isidentifier() for part in expression.split(".")):
        return _checked(_named(module, expression.split(".")), expression, module, kind)
    return _checked(_evaluate(module, expression), expression, module, kind)


def _named(module, names):
    """The object of a dotted name."""
    value = module
    for name in names:
        try:
            value = getattr(value, name)
        except AttributeError:
            raise _missing(module, name) from None
    return value


def _evaluate(module, expression):
    """The result of an expression such as create_app("production")."""
    import ast  # half a MiB that most apps do not need

    try:
        tree = ast.parse(expression, mode="eval").body
    except SyntaxError:
        raise ValueError(
            'cannot read %r: want a name, or a call such as "create_app()"' % expression
        ) from None
    if not isinstance(tree, ast.Call):
        return _named(module, _names(tree, expression))
    value = _named(module, _names(tree.func, expression))
    return value(
        *[ast.literal_eval(argument) for argument in tree.args],
        **{keyword.arg: ast.literal_eval(keyword.value) for keyword in tree.keywords},
    )


def _names(tree, expression):
    """The dotted name as a list; nothing else is evaluated."""
    import ast

    names = []
    while isinstance(tree, ast.Attribute):
        names.append(tree.attr)
        tree = tree.value
    if not isinstance(tree, ast.Name):
        raise ValueError(
            'cannot use %r: want a name, or a call such as "create_app()"' % expression
        )
    return [tree.id, *reversed(names)]


def _checked(value, name, module, kind):
    if not callable(value):
        error = TypeError(
            "cannot use %s in %s: it is %s, not a callable"
            % (name, _title(module), _article(value))
        )
        raise LoadError("not callable", _about(module, error))
    mistake = convention.mistake(value, kind)
    if mistake:
        error = TypeError(
            "cannot run %s in %s as %s: %s" % (name, _title(module), kind.upper(), mistake)
        )
        raise LoadError("not callable", _about(module, error))
    return convention.as_asgi3(value) if kind == "asgi" else value, name


def _missing(module, wanted):
    names = _callables(module)
    what = (
        "it has the callables " + ", ".join(names[:20]) if names else "it has no callables at all"
    )
    error = AttributeError("cannot find %s in %s; %s" % (wanted, _title(module), what))
    return LoadError("missing", _about(module, error))


def _callables(module):
    """The names of possible entries: objects that can be called, then the module's own functions
    and classes."""
    import inspect

    objects, own = [], []
    for name, value in sorted(vars(module).items()):
        if name.startswith("_") or not callable(value):
            continue
        if getattr(value, "__module__", None) == module.__name__:
            own.append(name)
        elif not inspect.isclass(value) and not inspect.isroutine(value):
            objects.append(name)
    return objects + own


def _about(module, error):
    """A Failure that points at the module's file; there is no traceback of use."""
    failure = describe(error)
    failure.file = getattr(module, "__file__", "") or ""
    failure.traceback = ""
    return failure


def _title(module):
    if script.is_script(module.__name__):
        return '"%s"' % module.__file__
    return 'module "%s"' % module.__name__


def _article(value):
    return "None" if value is None else "of type " + type(value).__name__
