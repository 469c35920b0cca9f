"""PEP 3333: the behaviour for apps that keep its rules. Every story runs twice, the second time
through wsgiref.validate, which fails if either side breaks a rule."""

import unittest

import fakehost
from fakehost import BUSY, END, RESPONSE, BODY, WorkerTestCase

VALIDATED = """
import importlib.machinery, importlib.util, os, warnings
from wsgiref.validate import WSGIWarning, validator

def validated(file):
    warnings.simplefilter("error", WSGIWarning)
    spec = importlib.util.spec_from_loader("app", importlib.machinery.SourceFileLoader("app", file))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return validator(module.application)
"""


class ConformingApps(WorkerTestCase):
    def serve_app(self, source, **options):
        return self.serve(source, **options)

    def test_environ_is_complete_and_of_builtin_types(self):
        worker = self.serve_app(
            """
            import json

            def application(environ, start_response):
                kinds = {key: type(value).__name__ for key, value in environ.items()}
                simple = (str, int, bool, tuple)
                plain = {key: value for key, value in environ.items() if type(value) in simple}
                variables = [value for key, value in environ.items() if "." not in key]
                all_str = all(type(value) is str for value in variables)
                plain["builtin"] = type(environ) is dict and all_str
                input, errors = environ["wsgi.input"], environ["wsgi.errors"]
                plain["close"] = hasattr(input, "read") and hasattr(errors, "write")
                plain["wrapper"] = callable(environ["wsgi.file_wrapper"])
                start_response("200 OK", [("Content-Type", "application/json")])
                return [json.dumps(plain).encode()]
            """,
            threads=2,
        )
        import json

        seen = json.loads(
            worker.get("/p\u00e4th?q=1", SCRIPT_NAME="/blog", HTTP_X="\u00ff").body.decode()
        )
        self.assertEqual(seen["PATH_INFO"], "/p\u00e4th")
        self.assertEqual(
            (seen["SCRIPT_NAME"], seen["QUERY_STRING"], seen["HTTP_X"]), ("/blog", "q=1", "\u00ff")
        )
        self.assertTrue(seen["builtin"] and seen["close"] and seen["wrapper"])
        self.assertEqual(seen["wsgi.version"], [1, 0])
        self.assertEqual(
            (
                seen["wsgi.multithread"],
                seen["wsgi.multiprocess"],
                seen["wsgi.run_once"],
                seen["wsgi.input_terminated"],
            ),
            (True, True, False, True),
        )
        self.assertEqual(
            (seen["modgw.app"], seen["modgw.generation"], seen["modgw.worker"]), ("test", 7, 1)
        )

    def test_one_thread_is_not_multithreaded(self):
        worker = self.serve_app(
            """
            def application(environ, start_response):
                start_response("200 OK", [("Content-Type", "text/plain")])
                return [str(environ["wsgi.multithread"]).encode()]
            """
        )
        self.assertEqual(worker.get().body, b"False")

    def test_reason_and_repeated_headers_keep_their_order(self):
        worker = self.serve_app("""
            def application(environ, start_response):
                headers = [("Content-Type", "text/plain"), ("X-Name", "J\\xfcrgen\\xa0")]
                headers[1:1] = [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]
                start_response("404 Gone Fishing", headers)
                return []
            """)
        response = worker.get()
        self.assertEqual(
            (response.status, response.reason, response.body), (404, "Gone Fishing", b"")
        )
        self.assertEqual(response.headers[1:3], [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")])
        self.assertEqual(response.header("x-name"), "J\xfcrgen\xa0")

    def test_a_list_of_pieces_is_one_frame(self):
        worker = self.serve_app(
            """
            class Pieces(list):
                pass

            def application(environ, start_response):
                start_response("200 OK", [("Content-Type", "text/plain")])
                return (b"a", b"", b"b", b"c")
            """
        )
        self.assertEqual(worker.get().body, b"abc")

    def test_each_yielded_piece_is_sent_before_the_next_is_asked_for(self):
        worker = self.serve_app(
            """
            import os

            def application(environ, start_response):
                start_response("200 OK", [("Content-Type", "text/plain")])
                yield b""
                yield b"first"
                os.stat("go")  # fails unless the first piece was seen
                yield b""
                yield b"second"
            """
        )
        stream = worker.begin()
        first = worker.conns[0].receive()
        self.assertEqual((first.kind, first.body(), first.flags), (RESPONSE, b"first", 0))
        # The generator may be ahead by now, and fail: only the first result counts.
        self.assertEqual(first.stream, stream)

    def test_a_slow_generator_streams(self):
        worker = self.serve_app(
            """
            import os

            def application(environ, start_response):
                start_response("200 OK", [("Content-Type", "text/plain")])
                for number in range(3):
                    with open("gate-%d" % number) as gate:  # a FIFO: waits for the test
                        gate.read()
                    yield b"%d" % number
            """
        )
        import os

        for number in range(3):
            os.mkfifo(os.path.join(self.folder, "gate-%d" % number))
        worker.begin()
        for number in range(3):
            with open(os.path.join(self.folder, "gate-%d" % number), "w"):
                pass
            got = worker.conns[0].receive()
            self.assertEqual((got.kind, got.body()), (BODY if number else RESPONSE, b"%d" % number))
        self.assertEqual(worker.conns[0].receive().flags, END | BUSY)

    def test_content_length_ends_the_response_with_its_last_piece(self):
        worker = self.serve_app(
            """
            def application(environ, start_response):
                start_response("200 OK", [("Content-Type", "text/plain"), ("content-length", "6")])
                yield b"abc"
                yield b"def"
            """
        )
        self.assertEqual(worker.get().pieces, [b"abc", b"def"])

    def test_write_comes_before_the_iterable(self):
        worker = self.serve_app(
            """
            def application(environ, start_response):
                write = start_response("200 OK", [("Content-Type", "text/plain")])
                write(b"one ")
                write(b"")
                write(b"two ")
                return [b"three"]
            """
        )
        self.assertEqual(worker.get().body, b"one two three")

    def test_exc_info_replaces_a_head_that_was_not_sent(self):
        worker = self.serve_app(
            """
            import sys

            def application(environ, start_response):
                start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "3")])
                try:
                    raise ValueError("changed my mind")
                except ValueError:
                    start_response("500 Oops", [("Content-Type", "text/html")], sys.exc_info())
                return [b"sorry"]
            """
        )
        response = worker.get()
        self.assertEqual(
            (response.status, response.headers, response.body),
            (500, [("Content-Type", "text/html")], b"sorry"),
        )

    def test_exc_info_raises_once_the_head_is_sent(self):
        worker = self.serve_app(
            """
            import sys

            def application(environ, start_response):
                start_response("200 OK", [("Content-Type", "text/plain")])
                yield b"begun"
                try:
                    raise ValueError("too late")
                except ValueError:
                    start_response("500 Oops", [("Content-Type", "text/plain")], sys.exc_info())
                yield b"never"
            """
        )
        response = worker.get()
        self.assertEqual((response.status, response.body), (200, b"begun"))
        self.assertEqual(response.aborted, "ValueError: too late")
        self.assertIn("too late", worker.log()["traceback"])

    def test_head_has_the_length_and_no_body(self):
        worker = self.serve_app(
            """
            def application(environ, start_response):
                start_response("200 OK", [("Content-Type", "text/plain")])
                return [b"12345"]
            """
        )
        response = worker.finish(worker.begin("HEAD"))
        self.assertEqual((response.body, response.status), (b"", 200))
        self.assertEqual(worker.get().body, b"12345")

    def test_file_wrapper_serves_a_file(self):
        self.write("data.txt", "0123456789")
        worker = self.serve_app(
            """
            def application(environ, start_response):
                file = open("data.txt", "rb")
                file.seek(2)
                start_response("200 OK", [("Content-Type", "text/plain")])
                return environ["wsgi.file_wrapper"](file, 3)
            """
        )
        self.assertEqual(worker.get().body, b"23456789")

    def test_errors_writes_lines_to_stderr(self):
        worker = self.serve_app(
            """
            def application(environ, start_response):
                errors = environ["wsgi.errors"]
                errors.write("one ")
                errors.write("line \\u20ac \\ud800\\n")
                errors.writelines(["two\\n", "three\\n"])
                errors.flush()
                start_response("200 OK", [("Content-Type", "text/plain")])
                return [b""]
            """
        )
        worker.get()
        self.assertEqual(worker.output(), "one line \u20ac \\ud800\ntwo\nthree\n")

    def test_a_body_that_came_whole_is_read_in_every_way(self):
        worker = self.serve_app("""
            def application(environ, start_response):
                stream = environ["wsgi.input"]
                seen = [stream.readline(), stream.readline(2), stream.read(3), list(stream)]
                seen += [stream.read(1), stream.read(-1)]
                start_response("200 OK", [("Content-Type", "text/plain")])
                return [repr(seen).encode()]
            """)
        body = worker.post("/", b"one\ntwo\nthree\nfour").body
        self.assertEqual(
            body, repr([b"one\n", b"tw", b"o\nt", [b"hree\n", b"four"], b"", b""]).encode()
        )

    def test_an_iterable_is_asked_for_its_iterator_once(self):
        worker = self.serve_app(
            """
            class Result:
                asked = 0

                def __iter__(self):
                    self.asked += 1
                    return self

                def __next__(self):
                    if self.asked == 0:
                        raise StopIteration
                    asked, self.asked = self.asked, 0
                    return b"asked %d" % asked

            def application(environ, start_response):
                start_response("200 OK", [("Content-Type", "text/plain")])
                return Result()
            """
        )
        self.assertEqual(worker.get().body, b"asked 1")

    def test_an_old_sequence_is_an_iterable(self):
        worker = self.serve(
            """
            class Result:
                def __getitem__(self, index):
                    return (b"a", b"b")[index]

            def application(environ, start_response):
                start_response("200 OK", [("Content-Type", "text/plain")])
                return Result()
            """
        )
        self.assertEqual(worker.get().body, b"ab")

    def test_a_status_needs_no_reason(self):
        worker = self.serve("""
            def application(environ, start_response):
                status = environ["QUERY_STRING"].replace("+", " ")
                start_response(status, [("Content-Type", "text/plain")])
                return [b"body"]
            """)
        for status in ("202", "202+"):
            response = worker.get("/?" + status)
            self.assertEqual((response.status, response.reason, response.body), (202, "", b"body"))

    def test_close_is_called_once_when_all_was_sent(self):
        worker = self.serve_app(
            """
            class Result:
                def __iter__(self):
                    yield b"body"

                def close(self):
                    with open("closed", "a") as file: file.write("x")

            def application(environ, start_response):
                start_response("200 OK", [("Content-Type", "text/plain")])
                return Result()
            """
        )
        import os

        closed = os.path.join(self.folder, "closed")
        self.assertEqual(worker.get().body, b"body")
        self.eventually(lambda: os.path.exists(closed) and os.path.getsize(closed) == 1, "close")
        worker.get("/again")
        self.eventually(lambda: os.path.getsize(closed) == 2, "the second close")


    def test_an_idle_connection_keeps_nothing_of_the_last_request(self):
        worker = self.serve_app(
            """
            import gc, weakref

            class Thing:
                pass

            last = [lambda: None]

            def application(environ, start_response):
                gc.collect()
                alive = last[0]() is not None
                if environ["PATH_INFO"] == "/keep":
                    environ["app.thing"] = Thing()
                    last[0] = weakref.ref(environ["app.thing"])
                start_response("200 OK", [("Content-Type", "text/plain")])
                return [str(alive).encode()]
            """,
            threads=2,
        )
        worker.get("/keep", conn=0)
        self.eventually(
            lambda: worker.get(conn=1).body == b"False", "the first connection to let go"
        )


class ConformingAppsValidated(ConformingApps):
    def serve_app(self, source, **options):
        self.write("app.wsgi", source)
        worker = self.worker(
            "%s:validated('app.wsgi')" % self.write("validated.py", VALIDATED), **options
        )
        worker.ready()
        return worker


def _function(name, body):
    """The source of an app's function."""
    return "def %s(environ, start_response):\n" % name + "".join(
        "    %s\n" % text for text in body.splitlines()
    )


class BrokenApps(WorkerTestCase):
    """Apps that break the rules: the request fails with a record that names the place, and the
    worker goes on."""

    def fails(self, body, message, line=None, path="/", status=None):
        """Runs an app whose function has this body, and expects the message."""
        worker = self.serve(_function("application", body))
        self.fails_in(worker, message, line, path, status)
        return worker

    def fails_in(self, worker, message, line, path, status=None):
        """Expects the message of a request."""
        response = worker.get(path)
        self.assertIsNotNone(response.aborted, response.body)
        self.assertIn(message, response.aborted)
        self.assertEqual(response.status, status)
        record = worker.log()
        self.assertEqual(record["level"], "error")
        self.assertIn(message, record["message"])
        self.assertIn("GET /", record["message"])
        self.assertEqual(record["request"], "request-%d" % worker.requests)
        self.assertEqual(record["file"], self.folder + "/app.wsgi")
        if line is not None:
            self.assertEqual(record["line"], line)
        self.assertNotIn("modgw_worker/connection.py", record["traceback"])

    def each_fails(self, cases):
        """Runs an app that has a function for each case, and expects their messages; a case is
        (body, message, line or None)."""
        source, begins = "", []
        for number, (body, _, _) in enumerate(cases):
            begins.append(source.count("\n"))
            source += _function("case%d" % number, body)
        dispatch = "return globals()['case' + environ['PATH_INFO'][1:]](environ, start_response)"
        worker = self.serve(source + _function("application", dispatch))
        for number, (body, message, line) in enumerate(cases):
            with self.subTest(body=body):
                self.fails_in(worker, message, line and begins[number] + line, "/%d" % number)

    def test_exception_in_the_app(self):
        worker = self.fails("x = 1\nreturn {}['missing']", "KeyError: 'missing'", line=3)
        self.assertIsNotNone(worker.get().aborted)  # it still answers

    def test_exception_after_the_first_piece(self):
        self.fails(
            "start_response('200 OK', [])\nyield b'begun'\nraise RuntimeError('half way')",
            "RuntimeError: half way",
            line=4,
            status=200,
        )

    def test_no_start_response(self):
        self.fails("return [b'x']", "before start_response", line=1)

    def test_no_start_response_and_no_body(self):
        self.fails("return []", "before start_response")

    def test_start_response_twice(self):
        self.fails(
            "start_response('200 OK', [])\nstart_response('200 OK', [])\nreturn []",
            "start_response twice",
            line=3,
        )

    def test_start_response_again_after_it_failed(self):
        self.fails(
            "try:\n    start_response('nonsense', [])\nexcept ValueError:\n    pass\n"
            "start_response('200 OK', [])\nreturn []",
            "start_response twice",
            line=6,
        )

    def test_bad_heads_are_refused_where_they_are_given(self):
        cases = (
            ("200", "[]", "TypeError: cannot use int as status"),
            ("b'200 OK'", "[]", "TypeError: cannot use bytes as status"),
            ("None", "[]", "TypeError: cannot use None as status"),
            ("'OK'", "[]", "ValueError: cannot use 'OK' as status"),
            ("' 200 OK'", "[]", "ValueError: cannot use ' 200 OK' as status"),
            ("'200OK'", "[]", "ValueError: cannot use '200OK' as status"),
            ("'2000'", "[]", "ValueError: cannot use '2000' as status"),
            ("''", "[]", "ValueError: cannot use '' as status"),
            ("'20x OK'", "[]", "ValueError: cannot use '20x OK' as status"),
            ("'200 OK\\r\\nX: y'", "[]", "ValueError: cannot use '200 OK"),
            ("'200 OK\\n'", "[]", "ValueError: cannot use '200 OK"),
            ("'200 \\u20ac'", "[]", "ValueError: cannot use '200 "),
            ("'200 OK'", "{}", "TypeError: cannot use dict as headers"),
            ("'200 OK'", "(('A', 'b'),)", "TypeError: cannot use tuple as headers"),
            ("'200 OK'", "None", "TypeError: cannot use None as headers"),
            ("'200 OK'", "[['A', 'b']]", "TypeError: cannot use ['A', 'b'] as a header"),
            ("'200 OK'", "[('A', 'b', 'c')]", "TypeError: cannot use ('A', 'b', 'c') as a header"),
            ("'200 OK'", "[('A', 1)]", "TypeError: cannot use ('A', 1) as a header"),
            ("'200 OK'", "[(b'A', 'b')]", "TypeError: cannot use (b'A', 'b') as a header"),
            ("'200 OK'", "[('A', None)]", "TypeError: cannot use ('A', None) as a header"),
            ("'200 OK'", "[('A b', 'c')]", "ValueError: cannot use 'A b' as the name"),
            ("'200 OK'", "[('A:', 'c')]", "ValueError: cannot use 'A:' as the name"),
            ("'200 OK'", "[('', 'c')]", "ValueError: cannot use '' as the name"),
            ("'200 OK'", "[('A', 'b\\r\\nSet-Cookie: c')]", "as the value of the header A"),
            ("'200 OK'", "[('A', 'b\\n')]", "as the value of the header A"),
            ("'200 OK'", "[('A', 'b\\0')]", "as the value of the header A"),
            ("'200 OK'", "[('A', '\\u20ac')]", "as the value of the header A"),
            (
                "'200 OK'",
                "[('Content-Length', 'many')]",
                "ValueError: cannot use 'many' as Content-Length",
            ),
            (
                "'200 OK'",
                "[('Content-Length', '-1')]",
                "ValueError: cannot use '-1' as Content-Length",
            ),
            ("'200 OK'", "[('A', 'x' * 600000)]", "bytes of headers"),
        )
        self.each_fails(
            [("start_response(%s, %s)\nreturn []" % case[:2], case[2], 2) for case in cases]
        )

    def test_results_of_the_wrong_type_are_named(self):
        begin = "start_response('200 OK', [])\n"
        cases = (
            ("return ['text']", "yielded str, not bytes"),
            ("return [b'a', 'text']", "yielded str, not bytes"),
            ("return [bytearray(b'a')]", "yielded bytearray, not bytes"),
            ("return 'text'", "yielded str, not bytes"),
            ("return b'bytes'", "yielded int, not bytes"),
            ("return None", "returned None, which cannot be iterated over"),
            ("return 7", "returned int, which cannot be iterated over"),
            ("yield None", "yielded None, not bytes"),
            ("start_response", "returned None, which cannot be iterated over"),
        )
        self.each_fails([(begin + body, message, None) for body, message in cases])

    def test_the_place_of_a_bad_piece_is_where_the_generator_stands(self):
        self.fails(
            "start_response('200 OK', [])\nyield b''\nyield 'text'\nyield b''",
            "yielded str",
            line=4,
        )

    def test_write_wants_bytes(self):
        self.fails(
            "start_response('200 OK', [])('text')\nreturn []",
            "write was called with str, not bytes",
            line=2,
        )

    def test_subclasses_of_str_and_bytes_and_list_are_taken(self):
        worker = self.serve(
            """
            class Text(str):
                def __str__(self):
                    return "never"

            class Data(bytes):
                pass

            class Headers(list):
                pass

            def application(environ, start_response):
                start_response(Text("200 Fine"), [(Text("X-A"), Text("b")), ("X-C", "d")])
                return [Data(b"body")]
            """
        )
        response = worker.get()
        self.assertEqual((response.status, response.reason, response.body), (200, "Fine", b"body"))
        self.assertEqual(response.headers, [("X-A", "b"), ("X-C", "d")])

    def test_more_than_content_length_fails_the_request(self):
        begin = "start_response('200 OK', [('Content-Length', '3')])\n"
        for body, status in (
            ("return [b'123456']", None),
            ("return [b'12', b'34']", None),
            ("return iter([b'1234'])", None),
            ("yield b'12'\nyield b'34'", 200),
        ):
            with self.subTest(body=body):
                self.fails(begin + body, "body is longer than its Content-Length", status=status)

    def test_write_raises_beyond_content_length(self):
        worker = self.serve(
            """
            import sys

            def application(environ, start_response):
                write = start_response("200 OK", [("Content-Length", "3")])
                try:
                    write(b"1234")
                except ValueError:
                    start_response("500 Oops", [("Content-Type", "text/plain")], sys.exc_info())
                return [b"sorry"]
            """
        )
        response = worker.get()
        self.assertEqual((response.status, response.body, response.aborted), (500, b"sorry", None))

    def test_more_after_the_last_byte_of_content_length_is_logged_as_an_error(self):
        worker = self.serve(
            "def application(environ, start_response):\n"
            "    start_response('200 OK', [('Content-Length', '3')])\n"
            "    yield b'123'\n"
            "    yield b'456'\n"
        )
        self.assertEqual(worker.get().body, b"123")
        record = worker.log()
        self.assertEqual((record["level"], record["line"]), ("error", 4))
        self.assertIn("cannot finish after the response to GET /: ValueError: ", record["message"])

    def test_close_that_raises_is_logged_and_the_answer_stands(self):
        worker = self.serve(
            """
            class Result:
                def __iter__(self):
                    return iter([b"body"])

                def close(self):
                    raise OSError("cannot close")

            def application(environ, start_response):
                start_response("200 OK", [])
                return Result()
            """
        )
        response = worker.get()
        self.assertEqual((response.status, response.body, response.aborted), (200, b"body", None))
        self.assertEqual(
            worker.log()["message"],
            "cannot finish after the response to GET /: OSError: cannot close",
        )
        self.assertEqual(worker.get().body, b"body")

    def test_close_is_called_once_whatever_happens(self):
        worker = self.serve(
            """
            class Result:
                def __init__(self, way):
                    self.way = way

                def __iter__(self):
                    if self.way == "/iter":
                        raise ValueError("no iterator")
                    return self

                def __next__(self):
                    if self.way == "/next":
                        raise ValueError("no piece")
                    return 7

                def close(self):
                    with open("closed", "a") as file: file.write("x")

            def application(environ, start_response):
                start_response("200 OK", [])
                return Result(environ["PATH_INFO"])
            """
        )
        import os

        for count, path in enumerate(("/iter", "/next", "/type"), 1):
            self.assertIsNotNone(worker.get(path).aborted)
            closed = os.path.join(self.folder, "closed")
            self.eventually(
                lambda: os.path.exists(closed) and os.path.getsize(closed) == count,
                "close for " + path,
            )

    def test_exit_in_a_request_asks_for_another_worker(self):
        worker = self.serve(
            "import sys\ndef application(environ, start_response):\n    sys.exit(3)\n"
        )
        self.assertEqual(worker.get().aborted, "SystemExit: 3")
        self.assertIn("sys.exit", worker.control_frame(fakehost.RETIRE).payload.decode())
        self.assertIn("SystemExit: 3", worker.logs[0]["message"])
        # until the host replaces it, it serves
        self.assertEqual(worker.get().aborted, "SystemExit: 3")

    def test_other_base_exceptions_fail_the_request_alone(self):
        for name in ("KeyboardInterrupt", "GeneratorExit", "MemoryError", "RecursionError"):
            with self.subTest(name):
                worker = self.serve(
                    "def application(environ, start_response):\n    raise %s\n" % name
                )
                self.assertEqual(worker.get().aborted, name)
                self.assertEqual(worker.get().aborted, name)

    def test_exceptions_that_cannot_be_shown_are_still_logged(self):
        worker = self.serve(
            """
            class Mute(Exception):
                def __str__(self):
                    raise ValueError("no text")

            def application(environ, start_response):
                raise Mute
            """
        )
        self.assertEqual(worker.get().aborted, "Mute")
        self.assertEqual(worker.log()["line"], 7)


if __name__ == "__main__":
    unittest.main()
