"""Exceptions in the detail that a developer wants to see: frames with source and variables. For
development alone."""

import json
import linecache
import re
import reprlib
import types
from time import monotonic

from .failure import is_app_file, is_machinery

_CONTEXT = 6  # lines of source before and after the one in question
_MOST_FRAMES = 60  # of one exception; the middle ones of more are left out
_MOST_EXCEPTIONS = 8  # of one chain
_MOST_LOCALS = 40  # of one frame
_LONGEST_VALUE = 600  # characters
_LONGEST = 250_000  # characters in total; the host limits the size
_SECONDS = 2.0  # so long values are turned into text; some of them ask a database
_SECRET = re.compile(
    r"pass(word|wd|phrase)?|secret|token|api.?key|auth|cookie|credential|private|session|csrf|"
    r"signature",
    re.I,
)
_MASK = "\u2022" * 6
_DULL = (types.ModuleType, types.FunctionType, types.BuiltinFunctionType, type)


def explain(error):
    """The details of error and of the exceptions behind it, the oldest first, as JSON; "" if even
    that fails."""
    try:
        return _fitting(
            [_exception(e, link) for e, link in _chain(error)], _Values(monotonic() + _SECONDS)
        )
    except Exception:
        return ""


def _fitting(found, values):
    """The text of the details, as far as they fit."""
    described = [(exception, exception.pop("frames")) for exception in found]
    for locals_too, source_too in ((True, True), (False, True), (False, False)):
        for exception, frames in described:
            exception["frames"] = [
                _frame(frame, values, locals_too, source_too) for frame in frames
            ]
        text = json.dumps(found)
        if len(text) <= _LONGEST:
            return text
    return ""


def _chain(error):
    """The exceptions that led to error and error itself, each with its link to the one before
    it."""
    found, seen = [], set()
    while error is not None and id(error) not in seen and len(found) < _MOST_EXCEPTIONS:
        seen.add(id(error))
        before, link = error.__cause__, "cause"
        if before is None and not error.__suppress_context__:
            before, link = error.__context__, "context"
        found.append((error, link if before is not None else ""))
        error = before
    found.reverse()
    if found:
        found[0] = (found[0][0], "")
    return found


def _exception(error, link):
    frames = []
    trace = error.__traceback__
    while trace is not None and is_machinery(trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    while trace is not None:
        frames.append((trace.tb_frame, trace.tb_lineno, 0))
        trace = trace.tb_next
    if isinstance(error, SyntaxError) and error.filename:
        # Frames of the import system lead from the import to the file that it could not read.
        while frames and is_machinery(frames[-1][0].f_code.co_filename):
            frames.pop()
        frames.append((error.filename, error.lineno or 0, error.offset or 0))
    skipped = max(0, len(frames) - _MOST_FRAMES)
    if skipped:
        half = _MOST_FRAMES // 2
        frames = frames[:half] + frames[-half:]
    try:
        message = str(error.msg if isinstance(error, SyntaxError) else error)
    except Exception:
        message = "(its text cannot be shown)"
    return {
        "type": type(error).__qualname__,
        "message": message[:10_000],
        "link": link,
        "skipped": skipped,
        "frames": frames,
    }


def _frame(place, values, locals_too, source_too):
    where, line, column = place
    if isinstance(where, str):
        file, function, variables, module = where, "", {}, None
    else:
        code = where.f_code
        file, variables, module = code.co_filename, where.f_locals, where.f_globals
        function = getattr(code, "co_qualname", code.co_name)
    own = is_app_file(file)
    frame = {"file": file, "line": line, "column": column, "function": function, "own": own}
    if source_too:
        frame["first"], frame["source"] = _source(file, line, module, _CONTEXT if own else 0)
    if own and locals_too:
        frame["locals"] = values.of(variables, variables is module)
    return frame


def _source(file, line, module, context):
    linecache.checkcache(file)
    lines = linecache.getlines(file, module)
    first = max(1, line - context)
    return first, [text.rstrip("\r\n")[:500] for text in lines[first - 1 : line + context]]


class _Values(reprlib.Repr):
    """Converts variables to short texts, without apparent secrets."""

    def __init__(self, end):
        super().__init__()
        self._end = end
        self.maxlevel = 4
        self.maxdict = self.maxlist = self.maxtuple = self.maxset = 24
        self.maxstring = self.maxother = self.maxlong = 300

    def of(self, variables, of_module):
        """The variables of a frame, as texts; those of a module without the ones that every module
        has."""
        found = []
        for name, value in list(variables.items()):
            if name.startswith("__") or of_module and isinstance(value, _DULL):
                continue
            if len(found) == _MOST_LOCALS:
                break
            found.append({"name": str(name)[:100], "value": self._text(name, value)})
        return found

    def _text(self, name, value):
        if _SECRET.search(str(name)) and value:
            return _MASK
        if monotonic() > self._end:
            return "(not shown: the others took too long)"
        try:
            text = self.repr(value)
        except BaseException as error:
            return "(cannot be shown: its repr raised %s)" % type(error).__qualname__
        return text if len(text) <= _LONGEST_VALUE else text[:_LONGEST_VALUE] + " \u2026"

    def repr_dict(self, value, level):
        """A dict in its own order, without the values of secret keys."""
        if not value:
            return "{}"
        if level <= 0:
            return "{...}"
        parts = []
        for key in list(value)[: self.maxdict]:
            hidden = isinstance(key, str) and _SECRET.search(key) and value[key]
            text = _MASK if hidden else self.repr1(value[key], level - 1)
            parts.append("%s: %s" % (self.repr1(key, level - 1), text))
        if len(value) > self.maxdict:
            parts.append("...")
        return "{%s}" % ", ".join(parts)
