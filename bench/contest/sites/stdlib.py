"""Serves a WSGI app with only the standard library: wsgiref, with a thread for each connection."""
import importlib
import socketserver
import sys
from wsgiref import simple_server


class Server(socketserver.ThreadingMixIn, simple_server.WSGIServer):
    daemon_threads = True
    request_queue_size = 512


class Handler(simple_server.WSGIRequestHandler):
    def address_string(self):
        return self.client_address[0]

    def log_message(self, *args):
        pass


host, _, port = sys.argv[1].partition(":")
module, _, name = sys.argv[2].partition(":")
app = getattr(importlib.import_module(module), name)
simple_server.make_server(host, int(port), app, Server, Handler).serve_forever()
