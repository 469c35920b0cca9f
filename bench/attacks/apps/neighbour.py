"""An innocent app with secrets that runs next to a hostile app."""
import ctypes
import json
import os
import signal
import socket
import threading

# Targets for other apps: a port, a Unix socket with a path, an abstract Unix socket, and shared
# memory.
port = socket.create_server(("127.0.0.1", 0))
abstract = socket.socket(socket.AF_UNIX)
abstract.bind("\0neighbour-%d" % os.getpid())
abstract.listen()
path = os.path.join(os.environ["HERE"], "neighbour-%d.sock" % os.getpid())
named = socket.socket(socket.AF_UNIX)
named.bind(path)
named.listen()
os.chmod(path, 0o660)
shared = "/dev/shm/neighbour-%d" % os.getpid()
with open(shared, "w") as f:
    f.write(os.environ["SECRET"])
os.chmod(shared, 0o600)


def greet():
    while True:
        connection, _ = abstract.accept()
        with connection:
            connection.sendall(os.environ["SECRET"].encode())


threading.Thread(target=greet, daemon=True).start()


def application(environ, start_response):
    if environ["PATH_INFO"] == "/facts":
        facts = {
            "pid": os.getpid(), "port": port.getsockname()[1],
            "abstract": "neighbour-%d" % os.getpid(),
            "socket": path, "shared": shared,
        }
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(facts).encode()]
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]
