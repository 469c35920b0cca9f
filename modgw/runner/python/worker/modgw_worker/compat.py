"""Serves apps that were written for mod_wsgi.

It finds the module mod_wsgi for them, and adds the keys of mod_wsgi to environ.
"""

import importlib
import importlib.machinery
import importlib.util
import os
import sys
from threading import get_ident
from time import time

from .filewrapper import FileWrapper

_NAME = "mod_wsgi"
_WHOLE = (list, tuple, FileWrapper)  # iterables that the worker answers with at once
_FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "mod_wsgi.py")


def prepare(start):
    """Lets the app that a Start message names import mod_wsgi.

    A package of this name in the app's environment comes first. With compat = "mod_wsgi" the module
    exists before the app, as in mod_wsgi itself, and such a package gets the names that it lacks.
    """
    if start["kind"] != "wsgi":
        return
    finder = Finder(_facts(start))
    sys.meta_path.append(finder)
    if start.get("compat") != _NAME:
        return
    found = importlib.util.find_spec(_NAME)
    if found.origin:
        finder.complete(importlib.import_module(_NAME))
    else:  # a folder of this name without code, such as one with configuration
        finder.load()


def wrap(app, name, start):
    """app with the keys of mod_wsgi in each environ, where its descriptor asks for them."""
    return _Compatible(app, name, start) if start.get("compat") == _NAME else app


def _facts(start):
    """The module's facts about the process."""
    return {
        "process_group": start["app"],
        "application_group": "",  # the main interpreter, as %{GLOBAL} is
        "maximum_processes": start.get("processes", 1),
        "threads_per_process": start["concurrency"] if start.get("gevent") else start["threads"],
    }


class Finder:
    """Finds the module mod_wsgi. It is for the end of sys.meta_path."""

    def __init__(self, facts):
        self._facts = facts

    def find_spec(self, name, path=None, target=None):
        if name != _NAME:
            return None
        loader = _Loader(name, self._facts)
        return importlib.util.spec_from_file_location(name, _FILE, loader=loader)

    def complete(self, module):
        """Adds the missing names to a module of this name."""
        if type(module.__spec__.loader) is _Loader:
            return
        own = self.load()
        sys.modules[_NAME] = module
        for name, value in vars(own).items():
            if name == "__getattr__" or not name.startswith("__"):
                vars(module).setdefault(name, value)

    def load(self):
        """Loads the module, even where the environment has another one."""
        spec = self.find_spec(_NAME)
        module = sys.modules[_NAME] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module


class _Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, name, facts):
        super().__init__(name, _FILE)
        self._facts = facts

    def exec_module(self, module):
        vars(module).update(self._facts)
        super().exec_module(module)


class _Compatible:
    """The app with mod_wsgi's keys in environ, and with its events."""

    def __init__(self, app, name, start):
        self._app = app
        self._callable = name
        self._module = module = sys.modules[_NAME]
        self._keys = {
            "mod_wsgi.version": module.version,
            "mod_wsgi.process_group": module.process_group,
            "mod_wsgi.application_group": module.application_group,
            "mod_wsgi.callable_object": name,
            "mod_wsgi.request_handler": "wsgi-script",
            "mod_wsgi.handler_script": "",
            "mod_wsgi.script_reloading": "1",
            "mod_wsgi.enable_sendfile": "1",
            "mod_wsgi.ignore_activity": "0",
            "mod_wsgi.listener_host": "",
            "mod_wsgi.daemon_connects": "1",
            "mod_wsgi.daemon_restarts": "0",
            "mod_wsgi.mount_point": start["mount"],
            "mod_wsgi.server_pid": str(os.getppid()),
        }

    def __call__(self, environ, start_response):
        request = _Request(self._module, environ)
        self._add_keys(environ, request)
        module = self._module
        if module.event_callbacks:
            start_response = request.published(start_response)
            request.publish(
                "request_started",
                application_object=self._app,
                callable_object=self._callable,
                request_environ=environ,
                application_start=request.began,
                request_start=environ["mod_wsgi.request_start"],
                queue_start=environ["mod_wsgi.queue_start"],
                daemon_start=environ["mod_wsgi.daemon_start"],
                thread_id=environ["mod_wsgi.thread_id"],
            )
        try:
            result = self._app(environ, start_response)
        except BaseException:
            request.fail()
            raise
        if type(result) in _WHOLE or not hasattr(result, "__iter__"):
            request.finish()
            return result
        return _Result(result, request)

    def _add_keys(self, environ, request):
        began = request.began
        arrived = _arrival(environ.get("HTTP_X_REQUEST_START", ""), began)
        environ.update(self._keys)
        environ["mod_wsgi.script_name"] = environ["SCRIPT_NAME"]
        environ["mod_wsgi.path_info"] = environ["PATH_INFO"]
        environ["mod_wsgi.listener_port"] = environ["SERVER_PORT"]
        environ["mod_wsgi.input_chunked"] = "0" if "CONTENT_LENGTH" in environ else "1"
        environ["mod_wsgi.request_id"] = request.id
        environ["mod_wsgi.thread_id"] = request.thread
        environ["mod_wsgi.request_start"] = environ["mod_wsgi.queue_start"] = arrived
        environ["mod_wsgi.daemon_start"] = environ["mod_wsgi.application_start"] = began
        environ["mod_wsgi.script_start"] = began


def _arrival(header, now):
    """The time when the web server in front got a request, from its X-Request-Start; else now.

    The header is "t=" and microseconds.
    """
    digits = header[2:]
    if header[:2] == "t=" and len(digits) == 16 and digits.isascii() and digits.isdigit():
        return min(int(digits) / 1e6, now)
    return now


class _Request:
    """A request from the call of the app to the end of its response."""

    def __init__(self, module, environ):
        self.id = environ.get("modgw.request_id", "")
        self.thread = get_ident()
        self.began = time()
        self._module = module
        self._status = 0
        self._data = module.begin(self.id)

    def publish(self, name, **event):
        self._module.publish(name, request_id=self.id, request_data=self._data, **event)

    def published(self, start_response):
        """start_response that publishes its calls."""

        def publishing(status, headers, exc_info=None):
            self._status = int(status[:3]) if status[:3].isdigit() else 0
            self.publish(
                "response_started",
                response_status=status,
                response_headers=headers,
                exception_info=exc_info,
            )
            return start_response(status, headers, exc_info)

        return publishing

    def fail(self):
        if self._module.event_callbacks:
            self.publish("request_exception", exception_info=sys.exc_info())
        self.finish()

    def finish(self):
        """Ends the request; once."""
        if self._data is None:
            return
        now = time()
        if self._module.event_callbacks:
            self.publish(
                "request_finished",
                thread_id=self.thread,
                status=self._status,
                application_start=self.began,
                application_finish=now,
                application_time=now - self.began,
            )
        self._data = None
        self._module.end(self.id, now - self.began)


class _Result:
    """An iterable of the app, and the end of its request."""

    def __init__(self, result, request):
        self._result = result
        self._request = request

    def __iter__(self):
        try:
            yield from self._result
        except GeneratorExit:
            raise
        except BaseException:
            self._request.fail()
            raise

    def close(self):
        try:
            if hasattr(self._result, "close"):
                self._result.close()
        finally:
            self._request.finish()
