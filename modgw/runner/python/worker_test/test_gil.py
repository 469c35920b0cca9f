"""A Python without a global interpreter lock that re-enables it reports that in the log."""

import os
import subprocess
import sys
import sysconfig
import unittest
import warnings
from unittest import mock

from fakehost import WorkerTestCase

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "worker"))

from modgw_worker import gil  # noqa: E402

# An extension module without a declaration about threads, as older than free-threaded Python.
EXTENSION = """
#include <Python.h>
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "elderly", 0, 0, 0};
PyMODINIT_FUNC PyInit_elderly(void) { return PyModuleDef_Init(&module); }
"""

APP = """
%s
def application(environ, start_response):
    import elderly
    start_response("200 OK", [])
    return [b"hello"]
"""


class Told(unittest.TestCase):
    """The messages of a Python that only looks free-threaded."""

    def watch(self, free_threaded, enabled, warned=""):
        control = mock.Mock()
        with mock.patch.object(
            sys, "abiflags", "t" if free_threaded else "", create=True
        ), mock.patch.object(
            sys, "_is_gil_enabled", lambda: enabled, create=True
        ), warnings.catch_warnings():
            warnings.simplefilter("always")
            gil.watch(control)
            with mock.patch("sys.stderr"):
                warnings.warn(warned or "something else", RuntimeWarning)
        return [call.args[1] for call in control.log.call_args_list]

    def test_the_usual_python_has_nothing_to_tell(self):
        self.assertEqual(self.watch(None, True), [])

    def test_the_module_is_named(self):
        warned = (
            "The global interpreter lock (GIL) has been enabled to load module 'numpy.core', "
            "which has not declared"
        )
        (told,) = self.watch(1, False, warned)
        self.assertIn("extension module numpy.core turned it on", told)

    def test_other_warnings_are_left_alone(self):
        self.assertEqual(self.watch(1, False), [])

    def test_an_administrator_can_ask_for_the_lock(self):
        (told,) = self.watch(1, True)
        self.assertIn("PYTHON_GIL says so", told)


@unittest.skipUnless(
    sysconfig.get_config_var("Py_GIL_DISABLED"), "this Python is not free-threaded"
)
class Found(WorkerTestCase):
    """The messages of a free-threaded Python."""

    def setUp(self):
        super().setUp()
        source = self.write("elderly.c", EXTENSION)
        target = os.path.join(self.folder, "elderly" + sysconfig.get_config_var("EXT_SUFFIX"))
        include = sysconfig.get_path("include")
        try:
            subprocess.run(
                ["cc", "-shared", "-fPIC", "-I", include, source, "-o", target], check=True
            )
        except (OSError, subprocess.CalledProcessError):
            self.skipTest("there is no compiler, or there are no headers")

    def test_an_extension_that_is_loaded_with_the_app_is_named(self):
        worker = self.serve(APP % "import elderly")
        self.assertIn("extension module elderly turned it on", worker.logs[0]["message"])

    def test_an_extension_that_a_request_loads_is_named(self):
        worker = self.serve(APP % "")
        self.assertEqual(worker.get().body, b"hello")
        self.assertIn("extension module elderly turned it on", worker.log()["message"])

    def test_the_lock_stays_off_where_nobody_wants_it(self):
        worker = self.serve(APP % "" + "import sys\nassert not sys._is_gil_enabled()\n")
        self.assertTrue(worker.control.quiet())
