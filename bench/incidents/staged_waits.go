package main

import (
	"context"
	"time"
)

// busy makes n clients request the first page, again and again.
func busy(n int) func(context.Context, *scene) error {
	return func(_ context.Context, s *scene) error {
		s.send(n, client{path: "/", rest: 20 * time.Millisecond})
		return nil
	}
}

// library adds a folder of libraries, whose code is not the app's own.
const library = `
  python { path = ["lib/site-packages"] }`

// psycopg is a stub of a driver that waits for a database.
const psycopg = `
import socket


def connect(port):
    return Connection(socket.create_connection(("127.0.0.1", port)))


class Connection:
    def __init__(self, server):
        self._server = server

    def execute(self, query):
        self._server.sendall(query.encode())
        return self._server.recv(1)
`

// threads returns the settings of an app with one worker.
func threads(n string) string {
	return `
  wsgi {
    entry   = "shop.py"
    workers = 1
    threads = ` + n + `
  }`
}

// waits returns incidents in which requests wait for something.
func waits() []*incident {
	answer := "    start_response(\"200 OK\", [])\n    return [b\"hello\"]\n"
	return []*incident{
		{
			name: "the database is slow",
			app:  threads("4") + library,
			files: map[string]string{
				"lib/site-packages/psycopg/__init__.py": psycopg,
				"shop.py": "import psycopg\n\n\ndef application(environ, start_response):\n" +
					"    psycopg.connect({{silent}}).execute(\"select 1\")\n" + answer,
			},
			stage: busy(9),
			cause: "waiting_for_database",
			says:  `waiting for the database: 4 of 4 threads are in psycopg, called in shop\.py line 5, for \d+\.\d s; 5 requests wait`,
		},
		{
			name: "an upstream server does not answer",
			app:  threads("2"),
			files: map[string]string{"shop.py": "import urllib.request\n\n\ndef application(environ, start_response):\n" +
				"    urllib.request.urlopen(\"http://127.0.0.1:{{silent}}/\")\n" + answer},
			stage: busy(4),
			cause: "waiting_for_upstream",
			says:  `waiting for another server: 2 of 2 threads are in http\.client, called in shop\.py line 5, for \d+\.\d s; 2 requests wait`,
		},
		{
			name: "threads wait for each other",
			app:  threads("2"),
			files: map[string]string{"shop.py": "import threading\n\nready = threading.Event()\n\n\n" +
				"def application(environ, start_response):\n    ready.wait()\n" + answer},
			stage: busy(4),
			cause: "waiting_for_lock",
			says:  `2 of 2 threads are in threading, called in shop\.py line 7, for \d+\.\d s; 2 requests wait`,
		},
		{
			name: "Python computes in one thread at a time",
			app:  threads("4"),
			files: map[string]string{"shop.py": "def application(environ, start_response):\n" +
				"    total = 0\n    for i in range(3000000):\n        total += i\n" + answer},
			stage: busy(8),
			look:  9 * time.Second,
			cause: "gil_bound",
			says:  `one Python thread computes at a time: \d+ % of the GIL is used, and a thread waits \d+ ms for it, with [34] requests in one worker`,
		},
		{
			name: "an event loop is blocked",
			app:  "asgi {\n  entry   = \"shop.py\"\n  workers = 1\n}",
			files: map[string]string{"shop.py": "import time\n\n\nasync def application(scope, receive, send):\n" +
				"    if scope[\"type\"] == \"http\":\n        time.sleep(60)\n"},
			stage: busy(3),
			look:  3 * time.Second,
			cause: "blocked_loop",
			says:  `the event loop of worker 1 is blocked for \d+\.\d s by shop\.py line 6: \d requests wait for it`,
		},
	}
}
