"""Bodies on their way: windows, cancelling, streamed input, and files that the host sends."""

import os
import struct
import unittest

from fakehost import (
    ABORT,
    BODY,
    CANCEL,
    BUSY,
    END,
    FILE,
    REQUEST,
    RESPONSE,
    THREAD_WINDOW as WINDOW_SIZE,
    WINDOW,
    WorkerTestCase,
)

ECHO_LENGTH = """
def application(environ, start_response):
    size = 0
    while True:
        data = environ["wsgi.input"].read(%s)
        if not data:
            break
        size += len(data)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(size).encode()]
"""


class StreamedInput(WorkerTestCase):
    def upload(self, worker, pieces, stream=None):
        """Sends pieces within the window and returns the response."""
        stream = stream or worker.begin("POST", "/", end=False)
        conn, window = worker.conns[0], WINDOW_SIZE
        for piece in pieces:
            while len(piece) > window:
                got = conn.receive()
                self.assertEqual((got.kind, got.stream), (WINDOW, stream))
                window += struct.unpack("<I", got.payload)[0]
                self.assertLessEqual(window, WINDOW_SIZE)
            conn.send(BODY, stream, piece)
            window -= len(piece)
        conn.send(BODY, stream, b"", END)
        return worker.finish(stream)

    def test_an_upload_larger_than_the_window_flows(self):
        for size in ("", "-1", "None", "1000", "100000", "10**7"):
            with self.subTest(size=size):
                worker = self.serve(ECHO_LENGTH % size)
                self.assertEqual(self.upload(worker, [b"x" * 50000] * 40).body, b"2000000")

    def test_what_was_read_is_given_back_in_few_windows(self):
        worker = self.serve(ECHO_LENGTH % "100")
        stream = worker.begin("POST", "/", b"x" * 1000, end=False)
        conn = worker.conns[0]
        conn.send(BODY, stream, b"x" * (WINDOW_SIZE - 1000))
        given = []
        while sum(given) < WINDOW_SIZE // 2:
            got = conn.receive()
            self.assertEqual(got.kind, WINDOW)
            given.append(struct.unpack("<I", got.payload)[0])
        self.assertLessEqual(len(given), 2)
        conn.send(BODY, stream, b"x" * given[0])
        conn.send(BODY, stream, b"", END)
        self.assertEqual(worker.finish(stream).body, b"%d" % (WINDOW_SIZE + given[0]))

    def test_lines_and_reads_cross_the_pieces(self):
        worker = self.serve("""
            import io

            def application(environ, start_response):
                stream = environ["wsgi.input"]
                seen = [
                    stream.readline(), stream.readline(2), stream.readline(0), stream.readline(100),
                    stream.readlines(5),
                    stream.read(0), stream.read(3), next(stream), stream.read1(2), list(stream),
                    stream.read(), stream.read(5),
                    stream.readline(), stream.readlines(),
                ]
                start_response("200 OK", [("Content-Type", "text/plain")])
                return [repr(seen).encode()]
            """)
        text = b"first\nse" + b"cond\n\nthird\nfourth\nfif" + b"th\nsixth\nseventh\neighth"
        expected = [
            b"first\n",
            b"se",
            b"",
            b"cond\n",
            [b"\n", b"third\n"],
            b"",
            b"fou",
            b"rth\n",
            b"fi",
            [b"fth\n", b"sixth\n"],
        ]
        expected[-1] += [b"seventh\n", b"eighth"]
        expected += [b"", b"", b"", []]
        for cut in (1, 3, 8, 1000):
            stream = worker.begin("POST", "/", text[:cut], end=False)
            pieces = [text[i : i + cut] for i in range(cut, len(text), cut)]
            body = self.upload(worker, pieces, stream).body
            if cut == 1:
                body = body.replace(b"b'f', [b'ifth", b"b'fi', [b'fth")
            self.assertEqual(body.decode(), repr(expected), cut)

    def test_io_classes_can_wrap_the_input(self):
        worker = self.serve(
            """
            import io

            def application(environ, start_response):
                text = io.TextIOWrapper(io.BufferedReader(environ["wsgi.input"]), "utf-8").read()
                start_response("200 OK", [("Content-Type", "text/plain")])
                return [text.encode("latin-1"), str(environ["wsgi.input"].closed).encode()]
            """
        )
        self.assertEqual(
            self.upload(worker, ["gr\u00fc\u00df".encode(), b"e"]).body,
            "gr\u00fc\u00dfeFalse".encode("latin-1"),
        )

    def test_input_that_nobody_reads_is_dropped(self):
        worker = self.serve(
            """
            def application(environ, start_response):
                start_response("200 OK", [])
                return [environ["PATH_INFO"].encode()]
            """
        )
        stream = worker.begin("POST", "/one", b"x" * 1000, end=False)
        self.assertEqual(worker.finish(stream).body, b"/one")
        worker.conns[0].send(BODY, stream, b"x" * 1000)  # was on its way
        worker.conns[0].send(CANCEL, stream, b"client gone")
        worker.conns[0].send(WINDOW, stream, struct.pack("<I", 5))
        worker.conns[0].send(BODY, stream, b"", END)
        self.assertEqual(worker.get("/two").body, b"/two")

    def test_requests_that_wait_behind_an_upload_keep_their_order_and_bodies(self):
        worker = self.serve(
            """
            def application(environ, start_response):
                data = environ["wsgi.input"].read()
                start_response("200 OK", [])
                return [environ["PATH_INFO"].encode(), b" ", data]
            """
        )
        conn = worker.conns[0]
        first = worker.begin("POST", "/1", b"a", end=False)
        second = worker.begin("POST", "/2", b"c", end=False)
        third = worker.begin("GET", "/3")
        conn.send(BODY, second, b"d", END)
        conn.send(BODY, first, b"b", END)
        self.assertEqual(
            [worker.finish(s).body for s in (first, second, third)], [b"/1 ab", b"/2 cd", b"/3 "]
        )

    def test_frames_may_be_cut_anywhere(self):
        worker = self.serve(ECHO_LENGTH % "")
        worker.begin("POST", "/", b"abc", end=False)
        conn = worker.conns[0]
        stream = 1
        data = b"".join(_bytes(BODY, stream, b"x" * 10) for _ in range(3)) + _bytes(
            BODY, stream, b"", END
        )
        for position in range(len(data)):
            conn.socket.sendall(data[position : position + 1])
        self.assertEqual(worker.finish(stream).body, b"33")

    def test_a_form_is_parsed(self):
        worker = self.serve(
            """
            from urllib.parse import parse_qs

            def application(environ, start_response):
                form = parse_qs(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])).decode())
                start_response("200 OK", [])
                return [form["name"][0].encode()]
            """
        )
        stream = worker.begin("POST", "/", b"na", end=False, CONTENT_LENGTH="9")
        self.assertEqual(self.upload(worker, [b"me=", b"Anna"], stream).body, b"Anna")


class Cancelled(WorkerTestCase):
    def begun(self):
        """Waits until the app has begun: one whose request is cancelled before is not called."""
        self.eventually(
            lambda: os.path.exists(os.path.join(self.folder, "begun")), "the app's beginning"
        )

    def test_a_read_raises_an_oserror_that_is_not_the_apps_fault(self):
        worker = self.serve("""
            def application(environ, start_response):
                open("begun", "w").close()
                try:
                    environ["wsgi.input"].read()
                except OSError as error:
                    with open("seen", "w") as file:
                        file.write("%s: %s" % (type(error).__name__, error))
                    raise
            """)
        stream = worker.begin("POST", "/", b"a", end=False)
        self.begun()
        worker.conns[0].send(CANCEL, stream, b"client gone")
        self.assertEqual(worker.finish(stream).aborted, "client gone")
        with open(os.path.join(self.folder, "seen")) as seen:
            self.assertEqual(seen.read(), "ClientDisconnected: client gone")
        self.assertTrue(worker.control.quiet(), "a client that goes away is no error")

    def test_a_generator_stops_and_is_closed(self):
        worker = self.serve(
            """
            def application(environ, start_response):
                start_response("200 OK", [])
                try:
                    while True:
                        yield b"x" * 1000
                finally:
                    open("closed", "w").close()
            """
        )
        stream = worker.begin()
        conn = worker.conns[0]
        size = 0
        while size < WINDOW_SIZE:
            size += len(conn.receive().body())
        conn.send(CANCEL, stream, b"client gone")
        got = conn.receive()
        self.assertEqual((got.kind, got.payload), (ABORT, b"client gone"))
        self.eventually(
            lambda: os.path.exists(os.path.join(self.folder, "closed")), "the generator's end"
        )

    def test_a_generator_of_short_pieces_stops_within_its_window(self):
        worker = self.serve(
            """
            import time

            def application(environ, start_response):
                start_response("200 OK", [])
                while True:
                    yield b"x"
                    time.sleep(0.001)
            """
        )
        stream = worker.begin()
        self.assertEqual(worker.conns[0].receive().kind, RESPONSE)
        worker.conns[0].send(CANCEL, stream, b"client gone")
        size = 0
        while True:
            got = worker.conns[0].receive()
            if got.kind == ABORT:
                break
            size += len(got.payload)
        self.assertLess(size, WINDOW_SIZE)

    def test_write_raises(self):
        worker = self.serve(
            """
            def application(environ, start_response):
                open("begun", "w").close()
                write = start_response("200 OK", [])
                try:
                    while True:
                        write(b"x" * 1000)
                except OSError as error:
                    with open("seen", "w") as file: file.write(str(error))
                    raise
            """
        )
        stream = worker.begin()
        self.begun()
        worker.conns[0].send(CANCEL, stream, b"time is up")
        self.assertEqual(worker.finish(stream, grant=False).aborted, "time is up")
        with open(os.path.join(self.folder, "seen")) as seen:
            self.assertEqual(seen.read(), "time is up")

    def test_a_request_that_waits_is_never_begun(self):
        worker = self.serve(
            """
            def application(environ, start_response):
                with open("called", "a") as file: file.write(environ["PATH_INFO"])
                environ["wsgi.input"].read()
                start_response("200 OK", [])
                return [b"x"]
            """
        )
        first = worker.begin("POST", "/1", end=False)
        second = worker.begin("GET", "/2")
        worker.conns[0].send(CANCEL, second, b"client gone")
        worker.conns[0].send(BODY, first, b"", END)
        self.assertEqual(worker.finish(first).body, b"x")
        self.assertEqual(worker.finish(second).aborted, "client gone")
        with open(os.path.join(self.folder, "called")) as called:
            self.assertEqual(called.read(), "/1")


class LargeResponses(WorkerTestCase):
    def test_nothing_is_sent_beyond_the_window(self):
        whole = WINDOW_SIZE + (4 << 16)
        for source in (
            "[b'x' * size]",
            "iter([b'x' * size])",
            "(b'x' * min(999, size - at) for at in range(0, size, 999))",
            "[b'x'] * size",
        ):
            with self.subTest(source=source):
                worker = self.serve(
                    """
                    def application(environ, start_response):
                        size = %d
                        start_response("200 OK", [("Content-Length", str(size))])
                        return %s
                    """
                    % (whole, source)
                )
                stream = worker.begin()
                conn = worker.conns[0]
                size = 0
                while size < WINDOW_SIZE:
                    got = conn.receive()
                    size += len(got.body())
                self.assertEqual(size, WINDOW_SIZE)
                self.assertTrue(conn.quiet())
                conn.send(WINDOW, stream, struct.pack("<I", 10))
                self.assertEqual(len(conn.receive().body()), 10)
                self.assertTrue(conn.quiet())
                while size < whole - 10:
                    conn.send(WINDOW, stream, struct.pack("<I", 1 << 16))
                    received = 0
                    while received < min(1 << 16, whole - 10 - size):
                        got = conn.receive()
                        received += len(got.body())
                    size += received
                self.assertEqual(got.flags, END | BUSY)

    def test_a_large_body_arrives_whole(self):
        worker = self.serve(
            """
            def application(environ, start_response):
                start_response("200 OK", [])
                return [bytes(range(256)) * 20000]
            """
        )
        self.assertEqual(worker.get().body, bytes(range(256)) * 20000)


class Files(WorkerTestCase):
    DATA = bytes(range(256)) * 1000

    def serve_file(self, expression, headers="[]", before=""):
        with open(os.path.join(self.folder, "data"), "wb") as file:
            file.write(self.DATA)
        return self.serve(
            """
            import bz2, gzip, io, os, tempfile

            class Proxy:
                def __init__(self, file):
                    self.file = file
                read = property(lambda self: self.file.read)
                fileno = property(lambda self: self.file.fileno)
                def close(self):
                    with open("closed", "a") as file: file.write("x")
                    self.file.close()

            def temporary(kind):
                file = kind()
                file.write(b"temporary")
                file.flush()
                file.seek(4)
                return file

            def moved(file, size):
                file.read(size)
                return file

            def application(environ, start_response):
                write = start_response("200 OK", %s)
                %s
                return environ["wsgi.file_wrapper"](%s)
            """
            % (headers, before or "pass", expression)
        )

    def test_a_real_file_is_handed_over(self):
        for expression, offset in (
            ("open('data', 'rb')", 0),
            ("open('data', 'r+b')", 0),
            ("open('data', 'rb', 0), 4096", 0),
            ("moved(open('data', 'rb'), 1000)", 1000),
            ("moved(open('data', 'rb', 0), 1000)", 1000),
            ("Proxy(open('data', 'rb'))", 0),
        ):
            with self.subTest(expression):
                response = self.serve_file(expression).get()
                self.assertEqual(response.file, (offset, len(self.DATA) - offset))
                self.assertEqual(response.body, self.DATA[offset:])

    def test_temporary_files_are_handed_over(self):
        response = self.serve_file("temporary(tempfile.NamedTemporaryFile)").get()
        self.assertEqual((response.file, response.body), ((4, 5), b"orary"))

    def test_content_length_bounds_the_file(self):
        response = self.serve_file(
            "moved(open('data', 'rb'), 5)", "[('Content-Length', '100')]"
        ).get()
        self.assertEqual((response.file, response.body), ((5, 100), self.DATA[5:105]))

    def test_what_only_looks_like_a_file_is_read(self):
        with gzip_file(self.folder) as _:
            pass
        for expression, body in (
            ("io.BytesIO(b'memory')", b"memory"),
            ("gzip.open('data.gz')", b"unpacked"),
            ("temporary(tempfile.SpooledTemporaryFile)", b"orary"),
        ):
            with self.subTest(expression):
                response = self.serve_file(expression).get()
                self.assertEqual(
                    (response.file, response.body, response.aborted), (None, body, None)
                )

    def test_a_pipe_is_read(self):
        worker = self.serve_file(
            "open(ends[0], 'rb')",
            before="ends = os.pipe(); os.write(ends[1], b'piped'); os.close(ends[1])",
        )
        response = worker.get()
        self.assertEqual((response.file, response.body), (None, b"piped"))

    def test_text_files_are_refused_by_type(self):
        self.assertIn(
            "yielded str, not bytes",
            self.serve_file("open('data', 'r', encoding='latin-1')").get().aborted,
        )

    def test_an_empty_rest_is_an_empty_body(self):
        response = self.serve_file("moved(open('data', 'rb'), 10**9)").get()
        self.assertEqual((response.status, response.file, response.body), (200, None, b""))

    def test_after_write_the_file_follows_what_was_written(self):
        response = self.serve_file("open('data', 'rb')", before="write(b'first ')").get()
        self.assertEqual(response.body, b"first " + self.DATA)

    def test_head_sends_no_file(self):
        worker = self.serve_file("open('data', 'rb')", "[('Content-Length', '256000')]")
        response = worker.finish(worker.begin("HEAD"))
        self.assertEqual((response.status, response.file, response.body), (200, None, b""))

    def test_the_file_is_closed_once(self):
        worker = self.serve_file("Proxy(open('data', 'rb'))")
        worker.get()
        closed = os.path.join(self.folder, "closed")
        self.eventually(lambda: os.path.exists(closed) and os.path.getsize(closed) == 1, "close")

    def test_no_descriptor_stays_open(self):
        worker = self.serve_file("open('data', 'rb')")
        worker.get()
        count = len(os.listdir("/proc/%d/fd" % worker.process.pid))
        for _ in range(20):
            worker.get()
        self.eventually(
            lambda: len(os.listdir("/proc/%d/fd" % worker.process.pid)) <= count,
            "descriptors to be closed",
        )

    def test_the_next_answer_follows_a_file(self):
        worker = self.serve_file("open('data', 'rb')")
        streams = [worker.begin() for _ in range(5)]
        self.assertEqual([worker.finish(stream).body for stream in streams], [self.DATA] * 5)


def gzip_file(folder):
    import gzip

    file = gzip.open(os.path.join(folder, "data.gz"), "wb")
    file.write(b"unpacked")
    return file


def _bytes(kind, stream, payload, flags=0):
    from fakehost import frame

    return frame(kind, stream, payload, flags)


if __name__ == "__main__":
    unittest.main()
