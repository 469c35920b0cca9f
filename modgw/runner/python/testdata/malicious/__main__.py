"""A worker that breaks the protocol in the way that the entry names, or the path of a request."""

import array
import marshal
import os
import struct
import sys

import _socket as socket  # without the enumerations of socket, which take half of the time to start

MALICE = ""
HEADER = struct.Struct("<IIBBH")
REQUEST, BODY, WINDOW, RESPONSE, ABORT, FILE, EVENT, READY, LOG, SHARED, KEPT = 1, 2, 3, 5, 6, 7, 8, 10, 14, 18, 23
BEYOND = (8 << 20) - 1  # with one more byte, whatever kind of app it is


def frame(kind, stream, payload=b"", flags=0):
    return HEADER.pack(len(payload), stream, kind, flags, 0) + payload


def receive(conn):
    def exactly(n):
        data = b""
        while len(data) < n:
            piece = conn.recv(n - len(data))
            if not piece:
                sys.exit(0)
            data += piece
        return data

    length, stream, kind, flags, _ = HEADER.unpack(exactly(HEADER.size))
    return kind, stream, exactly(length)


def response(stream, status=200, headers=(), body=b"", flags=1):
    head = "\0".join(["%d " % status, *sum(headers, ())]).encode("latin-1")
    return frame(RESPONSE, stream, struct.pack("<I", len(head)) + head + body, flags)


def shared(stream, offset, length, flags=1):
    return frame(SHARED, stream, struct.pack("<II", offset, length), flags)


def files(conn, stream, *fds):
    payload = frame(FILE, stream, struct.pack("<QQ", 0, 4), 1)
    conn.sendmsg([payload], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else [])


def answer(conn, control, stream):
    if MALICE == "garbage":
        conn.sendall(b"\xff" * 100)
    elif MALICE == "huge frame":
        conn.sendall(HEADER.pack(1 << 31, stream, BODY, 0, 0))
    elif MALICE == "unknown type":
        conn.sendall(frame(99, stream))
    elif MALICE == "reserved bits":
        conn.sendall(HEADER.pack(0, stream, RESPONSE, 1, 7))
    elif MALICE == "other stream":
        conn.sendall(response(stream + 1, body=b"not yours"))
    elif MALICE == "earlier stream":
        conn.sendall(response(stream - 1, body=b"not yours"))
    elif MALICE == "answers twice":
        conn.sendall(response(stream, flags=0) + response(stream))
    elif MALICE == "body before head":
        conn.sendall(frame(BODY, stream, b"x", 1))
    elif MALICE == "beyond window":
        conn.sendall(response(stream, flags=0) + frame(BODY, stream, b"x" * 300000))
    elif MALICE == "too much window":
        conn.sendall(frame(WINDOW, stream, struct.pack("<I", 1)))
    elif MALICE == "short window":
        conn.sendall(frame(WINDOW, stream, b"x"))
    elif MALICE == "releases what was not shared":
        conn.sendall(frame(WINDOW, 0, struct.pack("<I", 1)))
    elif MALICE == "returns what was not kept":
        conn.sendall(frame(KEPT, stream))
    elif MALICE == "shares before head":
        conn.sendall(shared(stream, 0, 100))
    elif MALICE == "shares beyond the buffer":
        conn.sendall(response(stream, flags=0) + shared(stream, BEYOND, 2))
    elif MALICE == "shares beyond window":
        conn.sendall(response(stream, flags=0) + shared(stream, 0, 524288, 0) * 64)
    elif MALICE == "shares nothing":
        conn.sendall(response(stream, flags=0) + shared(stream, 0, 0))
    elif MALICE == "shares for another stream":
        conn.sendall(response(stream, flags=0) + shared(stream + 1, 0, 100))
    elif MALICE == "shares without memory":
        conn.sendall(response(stream, flags=0) + shared(stream, 0, 100))
    elif MALICE == "no head":
        conn.sendall(frame(RESPONSE, stream, b"xx", 1))
    elif MALICE == "head beyond payload":
        conn.sendall(frame(RESPONSE, stream, struct.pack("<I", 1 << 30), 1))
    elif MALICE == "no marshal":
        conn.sendall(frame(RESPONSE, stream, struct.pack("<I", 3) + b"abc", 1))
    elif MALICE == "allocation bomb":
        conn.sendall(frame(RESPONSE, stream, struct.pack("<I", 5) + b"(\xff\xff\xff\x7f", 1))
    elif MALICE == "wrong types":
        head = marshal.dumps(("200", 1, {}), 2)
        conn.sendall(frame(RESPONSE, stream, struct.pack("<I", len(head)) + head, 1))
    elif MALICE == "control frame on connection":
        conn.sendall(frame(LOG, stream, marshal.dumps({}, 2)))
    elif MALICE == "file without descriptor":
        conn.sendall(response(stream, flags=0))
        files(conn, stream)
    elif MALICE == "file that is a pipe":
        conn.sendall(response(stream, flags=0))
        files(conn, stream, os.pipe()[0])
    elif MALICE == "many descriptors":
        conn.sendall(response(stream, flags=0))
        files(conn, stream, *([0] * 100))
    elif MALICE == "descriptor without file":
        conn.sendmsg([response(stream, flags=0)], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0]))])
    elif MALICE == "ready twice":
        control.sendall(frame(READY, 0, marshal.dumps({}, 2)) * 2)
    elif MALICE == "connection frame on control":
        control.sendall(response(stream))
    elif MALICE == "bad log":
        control.sendall(frame(LOG, 0, marshal.dumps({"level": {"deep": [1]}}, 2)))
    elif MALICE == "empty event":
        conn.sendall(frame(EVENT, stream))
    elif MALICE == "event of wrong types":
        conn.sendall(frame(EVENT, stream, marshal.dumps({"deep": [1]}, 2)))
    elif MALICE == "trailers without end":
        conn.sendall(response(stream, flags=0) + frame(EVENT, stream, marshal.dumps([], 2)))
    elif MALICE == "request from the worker":
        conn.sendall(frame(REQUEST, stream, marshal.dumps({}, 2)))
    elif MALICE == "message before acceptance":
        conn.sendall(frame(EVENT, stream, marshal.dumps("x", 2)))
    elif MALICE == "accepts twice":
        conn.sendall(frame(EVENT, stream, marshal.dumps(["", []], 2)) * 2)
    elif MALICE == "messages beyond the window":
        conn.sendall(frame(EVENT, stream, marshal.dumps(["", []], 2)) + frame(EVENT, stream, marshal.dumps("x" * 100000, 2)) * 30)
    elif MALICE == "many empty messages":
        conn.sendall(frame(EVENT, stream, marshal.dumps(["", []], 2)) + frame(EVENT, stream, marshal.dumps(False, 2)) * 100000)
    elif MALICE == "message without end":
        conn.sendall(frame(EVENT, stream, marshal.dumps(["", []], 2)))
        while True:
            conn.sendall(frame(BODY, stream, b"x" * 131072))
            while receive(conn)[0] != WINDOW:
                pass
    elif MALICE == "response on a WebSocket":
        conn.sendall(frame(EVENT, stream, marshal.dumps(["", []], 2)) + response(stream))
    elif MALICE == "file on a WebSocket":
        conn.sendall(frame(EVENT, stream, marshal.dumps(["", []], 2)))
        files(conn, stream, 0)
    elif MALICE == "answers again later":
        conn.sendall(response(stream, body=b"fine") + response(stream, body=b"again"))
    elif MALICE == "returns no kept body":
        conn.sendall(response(stream, body=b"fine"))


def main():
    global MALICE
    options = dict(zip(sys.argv[1::2], sys.argv[2::2]))
    control = socket.socket(fileno=3)
    kind, stream, payload = receive(control)
    start = marshal.loads(payload)
    MALICE = start["entry"]
    control.sendall(frame(READY, 0, marshal.dumps({"pid": os.getpid(), "python": "x", "callable": "y", "buffer": MALICE != "shares without memory"}, 2)))
    conn = socket.socket(fileno=4)
    while True:
        kind, stream, payload = receive(conn)
        if kind != REQUEST:
            continue
        size = struct.unpack("<I", payload[:4])[0]
        head = payload[4 : 4 + size]
        if start["kind"] == "wsgi":
            head = head[4 + struct.unpack("<I", head[:4])[0] :]
        head = marshal.loads(head)
        _, path, malice = (head.get("PATH_INFO", head.get("path")) + "/").split("/", 2)
        MALICE = malice.strip("/") or start["entry"]
        if path == "good":
            conn.sendall(response(stream, body=b"good"))
        else:
            answer(conn, control, stream)


main()
