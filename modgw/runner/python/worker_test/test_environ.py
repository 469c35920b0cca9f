"""The common part of many requests' environ is read once, and no request sees changes by another
one."""

import marshal
import sys
import unittest

from fakehost import WORKER, WorkerTestCase

sys.path.insert(0, WORKER)
from modgw_worker.environ import Beginnings  # noqa: E402


def beginning(**values):
    return marshal.dumps(values, 2)


class KeptBeginnings(unittest.TestCase):
    def test_each_is_read_once_and_has_what_the_host_does_not_know(self):
        kept = Beginnings({"wsgi.version": (1, 0)})
        first = kept[beginning(SERVER_NAME="a")]
        self.assertEqual(first, {"SERVER_NAME": "a", "wsgi.version": (1, 0)})
        self.assertIs(kept[beginning(SERVER_NAME="a")], first)
        self.assertEqual(kept[beginning(SERVER_NAME="b")]["SERVER_NAME"], "b")

    def test_clients_that_all_have_their_own_fill_no_memory(self):
        kept = Beginnings({})
        for number in range(1000):
            host = "host-%d" % number
            self.assertEqual(kept[beginning(HTTP_HOST=host)], {"HTTP_HOST": host})
            kept[beginning(HTTP_HOST="x" * 10000)]
        self.assertLess(len(kept), 100)
        self.assertLess(sum(map(len, kept)), 100000)


class RequestsOfOneThread(WorkerTestCase):
    def test_what_an_app_changes_in_environ_is_gone_with_the_request(self):
        worker = self.serve(
            """
            def application(environ, start_response):
                start_response("200 OK", [("Content-Type", "text/plain")])
                names = "SERVER_NAME", "HTTP_X", "left.behind"
                seen = "%s %s %s" % tuple(map(environ.get, names))
                environ["left.behind"] = "here"
                del environ["SERVER_NAME"]
                return [seen.encode()]
            """
        )
        self.assertEqual(worker.get(HTTP_X="1").body, b"localhost 1 None")
        self.assertEqual(worker.get().body, b"localhost None None")
