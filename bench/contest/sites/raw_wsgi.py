"""Bare WSGI, to measure the server itself."""
import os
import time

MIB = 1024 * 1024
PLAIN = ("Content-Type", "text/plain")
FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "file.bin")


def fixed(body):
    headers = [PLAIN, ("Content-Length", str(len(body)))]

    def respond(environ, start_response):
        start_response("200 OK", headers)
        return [body]

    return respond


def long_body(environ, start_response):
    start_response("200 OK", [PLAIN, ("Content-Length", str(100 * MIB))])
    piece = b"x" * MIB
    return (piece for _ in range(100))


def file(environ, start_response):
    start_response("200 OK", [PLAIN, ("Content-Length", str(os.path.getsize(FILE)))])
    opened = open(FILE, "rb")
    wrapper = environ.get("wsgi.file_wrapper")
    return wrapper(opened, 65536) if wrapper else iter(lambda: opened.read(65536), b"")


def upload(environ, start_response):
    body, size = environ["wsgi.input"], 0
    while True:
        piece = body.read(min(65536, int(environ["CONTENT_LENGTH"]) - size))
        if not piece:
            break
        size += len(piece)
    text = b"%013d" % size
    start_response("200 OK", [PLAIN, ("Content-Length", str(len(text)))])
    return [text]


def waiting(seconds):
    respond = fixed(b"Hello, world!")

    def wait(environ, start_response):
        time.sleep(seconds)
        return respond(environ, start_response)

    return wait


PAGES = {
    "/": fixed(b"Hello, world!"),
    "/10k": fixed(b"x" * 10240),
    "/64k": fixed(b"x" * 65536),
    "/1m": fixed(b"x" * MIB),
    "/100m": long_body,
    "/file": file,
    "/upload": upload,
    "/millisecond": waiting(0.001),
    "/second": waiting(1),
}


def application(environ, start_response):
    return PAGES[environ["PATH_INFO"]](environ, start_response)
