"""The app's own OpenTelemetry, started in each worker as opentelemetry-instrument does it."""

import importlib
import os
import socket

_PACKAGE = "opentelemetry.instrumentation.auto_instrumentation"
_RESOURCE = "OTEL_RESOURCE_ATTRIBUTES"
_PROVIDERS = (
    ("opentelemetry.trace", "get_tracer_provider"),
    ("opentelemetry.metrics", "get_meter_provider"),
    ("opentelemetry._logs", "get_logger_provider"),
)


def start(variables):
    """Starts it, with environment variables as defaults of the app's own. Call it before the app is
    loaded. It raises the error if it fails."""
    before = dict(os.environ)
    _set(variables)
    try:
        package = importlib.import_module(_PACKAGE)
        if not hasattr(package, "initialize"):
            importlib.import_module(_PACKAGE + ".sitecustomize")  # as before 0.50
        elif _can_raise(package.initialize):
            package.initialize(swallow_exceptions=False)
        else:
            package.initialize()
        _check()
    finally:
        # Variables that were set for its start are not for the app or its children.
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        for name, value in before.items():
            if os.environ.get(name) != value:
                os.environ[name] = value


def _set(variables):
    instance = "service.instance.id=%s:%d" % (socket.gethostname(), os.getpid())
    attributes = (variables.get(_RESOURCE), instance, os.environ.get(_RESOURCE))  # the last wins
    for name, value in variables.items():
        os.environ.setdefault(name, value)
    os.environ[_RESOURCE] = ",".join(filter(None, attributes))


def _can_raise(initialize):
    import inspect

    return "swallow_exceptions" in inspect.signature(initialize).parameters


def _check():
    """Raises an error where nothing was set up, as without a distribution."""
    if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return
    if not any(hasattr(provider, "shutdown") for provider in _providers()):
        raise RuntimeError("it was started without an SDK: opentelemetry-distro sets one up")


def finish():
    """Exports the remaining data when the worker ends."""
    for provider in _providers():
        shutdown = getattr(provider, "shutdown", None)
        if shutdown is not None:
            shutdown()


def _providers():
    for module, function in _PROVIDERS:
        try:
            yield getattr(importlib.import_module(module), function)()
        except (ImportError, AttributeError):
            pass  # Not every version has all of them.
