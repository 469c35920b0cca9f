"""Answers with what it was told of the request, or as the header X-Answer says. It runs under mod_wsgi too."""

import hashlib
import json
import os
import time

MARKS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "marks")


def application(environ, start_response):
    answer = globals()["answer_" + environ.get("HTTP_X_ANSWER", "told").replace("-", "_")]
    return answer(environ, start_response)


def answer_told(environ, start_response):
    told = {name: value for name, value in environ.items() if isinstance(value, str)}
    size, digest = 0, hashlib.sha256()
    while True:
        piece = environ["wsgi.input"].read(65536)
        if not piece:
            break
        size += len(piece)
        digest.update(piece)
    told["body"] = "%d %s" % (size, digest.hexdigest()[:8])
    text = json.dumps(told).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(text)))])
    return [text]


def answer_201(environ, start_response):
    start_response("201 Created", [("Content-Type", "text/plain"), ("Location", "/here"), ("Content-Length", "4")])
    return [b"made"]


def answer_204(environ, start_response):
    start_response("204 No Content", [("X-Mine", "1")])
    return []


def answer_304(environ, start_response):
    start_response("304 Not Modified", [("ETag", '"1"')])
    return []


def answer_206(environ, start_response):
    start_response("206 Partial Content", [("Content-Type", "text/plain"), ("Content-Range", "bytes 2-4/10"), ("Content-Length", "3")])
    return [environ.get("HTTP_RANGE", "none").encode()[-3:]]


def answer_etag(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("ETag", '"1"'), ("Content-Length", "4")])
    return [b"full"]


def answer_error(environ, start_response):
    start_response("503 Service Unavailable", [("Content-Type", "text/plain"), ("Retry-After", "5"), ("Content-Length", "4")])
    return [b"busy"]


def answer_headers(environ, start_response):
    start_response("200 OK", [
        ("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", "2"), ("Set-Cookie", "a=1; Path=/"),
        ("Set-Cookie", "b=2; Path=/"), ("Content-Language", "de"), ("X-Bytes", "caf\xe9"), ("X-Long", "v" * 7000),
    ])
    return [b"ok"]


def answer_repeated(environ, start_response):
    start_response("401 Unauthorized", [
        ("Content-Type", "text/plain"), ("Content-Length", "2"), ("WWW-Authenticate", 'Basic realm="a"'),
        ("WWW-Authenticate", 'Bearer realm="b"'),
    ])
    return [b"no"]


def answer_pieces(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return iter([b"one ", b"", b"two ", b"three"])


def answer_nothing(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return []


def answer_refusal(environ, start_response):
    """Answers without a look at the body."""
    start_response("413 Content Too Large", [("Content-Type", "text/plain"), ("Content-Length", "9")])
    return [b"too large"]


def answer_large(environ, start_response):
    size, piece = int(environ["HTTP_X_SIZE"]), b"0123456789abcdef" * 4096
    start_response("200 OK", [("Content-Type", "application/octet-stream"), ("Content-Length", str(size))])
    return (piece for _ in range(size // len(piece)))


def answer_events(environ, start_response):
    """Sends the next event when the one before has arrived."""
    start_response("200 OK", [("Content-Type", "text/event-stream")])
    for number in range(3):
        yield b"data: %d\n\n" % number
        while not os.path.exists(mark(environ, "arrived-%d" % number)):
            time.sleep(0.005)


def answer_endless(environ, start_response):
    """Sends until it is told that the client has gone."""
    start_response("200 OK", [("Content-Type", "text/event-stream")])
    return Endless(mark(environ, "closed"))


class Endless:
    def __init__(self, mark):
        self.mark = mark

    def __iter__(self):
        return self

    def __next__(self):
        time.sleep(0.02)
        return b"data: more\n\n"

    def close(self):
        with open(self.mark, "w"):
            pass


def mark(environ, name):
    return os.path.join(MARKS, environ["HTTP_X_MARK"] + "-" + name)
