"""A worker that breaks the protocol in the way that the entry names."""

import array
import marshal
import os
import socket
import struct
import sys

MALICE = ""
HEADER = struct.Struct("<IIBBH")
REQUEST, BODY, WINDOW, RESPONSE, ABORT, FILE, EVENT, READY, LOG, LENT = 1, 2, 3, 5, 6, 7, 8, 10, 14, 18
BEYOND = (4 << 20) - 1  # with one more byte, whatever kind of app it is


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
    head = marshal.dumps((status, "", list(headers)), 2)
    return frame(RESPONSE, stream, struct.pack("<I", len(head)) + head + body, flags)


def lent(stream, offset, length, flags=1):
    return frame(LENT, stream, struct.pack("<II", offset, length), flags)


def files(lane, stream, *fds):
    payload = frame(FILE, stream, struct.pack("<QQ", 0, 4), 1)
    lane.sendmsg([payload], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else [])


def answer(lane, control, stream):
    if MALICE == "garbage":
        lane.sendall(b"\xff" * 100)
    elif MALICE == "huge frame":
        lane.sendall(HEADER.pack(1 << 31, stream, BODY, 0, 0))
    elif MALICE == "unknown type":
        lane.sendall(frame(99, stream))
    elif MALICE == "reserved bits":
        lane.sendall(HEADER.pack(0, stream, RESPONSE, 1, 7))
    elif MALICE == "other stream":
        lane.sendall(response(stream + 1, body=b"not yours"))
    elif MALICE == "earlier stream":
        lane.sendall(response(stream - 1, body=b"not yours"))
    elif MALICE == "answers twice":
        lane.sendall(response(stream, flags=0) + response(stream))
    elif MALICE == "body before head":
        lane.sendall(frame(BODY, stream, b"x", 1))
    elif MALICE == "beyond window":
        lane.sendall(response(stream, flags=0) + frame(BODY, stream, b"x" * 300000))
    elif MALICE == "too much window":
        lane.sendall(frame(WINDOW, stream, struct.pack("<I", 1)))
    elif MALICE == "short window":
        lane.sendall(frame(WINDOW, stream, b"x"))
    elif MALICE == "returns what was not lent":
        lane.sendall(frame(WINDOW, 0, struct.pack("<I", 1)))
    elif MALICE == "lends before head":
        lane.sendall(lent(stream, 0, 100))
    elif MALICE == "lends beyond the area":
        lane.sendall(response(stream, flags=0) + lent(stream, BEYOND, 2))
    elif MALICE == "lends nothing":
        lane.sendall(response(stream, flags=0) + lent(stream, 0, 0))
    elif MALICE == "lends for another stream":
        lane.sendall(response(stream, flags=0) + lent(stream + 1, 0, 100))
    elif MALICE == "lends what it does not share":
        lane.sendall(response(stream, flags=0) + lent(stream, 0, 100))
    elif MALICE == "no head":
        lane.sendall(frame(RESPONSE, stream, b"xx", 1))
    elif MALICE == "head beyond payload":
        lane.sendall(frame(RESPONSE, stream, struct.pack("<I", 1 << 30), 1))
    elif MALICE == "no marshal":
        lane.sendall(frame(RESPONSE, stream, struct.pack("<I", 3) + b"abc", 1))
    elif MALICE == "allocation bomb":
        lane.sendall(frame(RESPONSE, stream, struct.pack("<I", 5) + b"(\xff\xff\xff\x7f", 1))
    elif MALICE == "wrong types":
        head = marshal.dumps(("200", 1, {}), 2)
        lane.sendall(frame(RESPONSE, stream, struct.pack("<I", len(head)) + head, 1))
    elif MALICE == "control frame on lane":
        lane.sendall(frame(LOG, stream, marshal.dumps({}, 2)))
    elif MALICE == "file without descriptor":
        lane.sendall(response(stream, flags=0))
        files(lane, stream)
    elif MALICE == "file that is a pipe":
        lane.sendall(response(stream, flags=0))
        files(lane, stream, os.pipe()[0])
    elif MALICE == "many descriptors":
        lane.sendall(response(stream, flags=0))
        files(lane, stream, *([0] * 100))
    elif MALICE == "descriptor without file":
        lane.sendmsg([response(stream, flags=0)], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0]))])
    elif MALICE == "ready twice":
        control.sendall(frame(READY, 0, marshal.dumps({}, 2)) * 2)
    elif MALICE == "lane frame on control":
        control.sendall(response(stream))
    elif MALICE == "bad log":
        control.sendall(frame(LOG, 0, marshal.dumps({"level": {"deep": [1]}}, 2)))
    elif MALICE == "empty event":
        lane.sendall(frame(EVENT, stream))
    elif MALICE == "event of wrong types":
        lane.sendall(frame(EVENT, stream, marshal.dumps({"deep": [1]}, 2)))
    elif MALICE == "trailers without end":
        lane.sendall(response(stream, flags=0) + frame(EVENT, stream, marshal.dumps([], 2)))
    elif MALICE == "request from the worker":
        lane.sendall(frame(REQUEST, stream, marshal.dumps({}, 2)))
    elif MALICE == "message before acceptance":
        lane.sendall(frame(EVENT, stream, marshal.dumps("x", 2)))
    elif MALICE == "accepts twice":
        lane.sendall(frame(EVENT, stream, marshal.dumps(["", []], 2)) * 2)
    elif MALICE == "messages beyond the window":
        lane.sendall(frame(EVENT, stream, marshal.dumps(["", []], 2)) + frame(EVENT, stream, marshal.dumps("x" * 100000, 2)) * 30)
    elif MALICE == "many empty messages":
        lane.sendall(frame(EVENT, stream, marshal.dumps(["", []], 2)) + frame(EVENT, stream, marshal.dumps(False, 2)) * 100000)
    elif MALICE == "message without end":
        lane.sendall(frame(EVENT, stream, marshal.dumps(["", []], 2)))
        while True:
            lane.sendall(frame(BODY, stream, b"x" * 131072))
            while receive(lane)[0] != WINDOW:
                pass
    elif MALICE == "response on a WebSocket":
        lane.sendall(frame(EVENT, stream, marshal.dumps(["", []], 2)) + response(stream))
    elif MALICE == "file on a WebSocket":
        lane.sendall(frame(EVENT, stream, marshal.dumps(["", []], 2)))
        files(lane, stream, 0)
    elif MALICE == "answers again later":
        lane.sendall(response(stream, body=b"fine") + response(stream, body=b"again"))


def main():
    global MALICE
    options = dict(zip(sys.argv[1::2], sys.argv[2::2]))
    control = socket.socket(fileno=3)
    kind, stream, payload = receive(control)
    MALICE = marshal.loads(payload)["entry"]
    control.sendall(frame(READY, 0, marshal.dumps({"pid": os.getpid(), "python": "x", "callable": "y", "area": "share" not in MALICE}, 2)))
    lane = socket.socket(fileno=4)
    while True:
        kind, stream, payload = receive(lane)
        if kind != REQUEST:
            continue
        size = struct.unpack("<I", payload[:4])[0]
        head = marshal.loads(payload[4 : 4 + size])
        if head.get("PATH_INFO", head.get("path")) == "/good":
            lane.sendall(response(stream, body=b"good"))
        else:
            answer(lane, control, stream)


main()
