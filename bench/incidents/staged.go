package main

import (
	"context"
	"slices"
)

// all returns the incidents in the order of the table.
func all() []*incident {
	return slices.Concat(starts(), overload(), waits(), failures(), silence(), hosts(), certificates())
}

// hello is an app that answers.
const hello = `
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]
`

// starts returns incidents in which an app, or its new code, does not start.
func starts() []*incident {
	return []*incident{
		{
			name:  "a package is missing",
			app:   `wsgi { entry = "shop.py" }`,
			files: map[string]string{"shop.py": "import flask_that_is_not_installed\n" + hello},
			cause: "missing_package", says: `"flask_that_is_not_installed" is missing, which .*shop\.py:1`,
		},
		{
			name:  "the descriptor is broken",
			app:   `wsgi { entry = "shop.py" }`,
			files: map[string]string{"shop.py": hello},
			stage: func(_ context.Context, s *scene) error {
				return s.write("shop.hcl", "app \"shop\" {\n  wsgy { entry = \"shop\" }\n}\n")
			},
			cause: "broken_descriptor", says: `shop\.hcl:2.*wsgy.*(generation 1 still serves|go on as before)`,
		},
		{
			name:  "the descriptor of a new app is broken",
			app:   `wsgi { entry = "shop.py", threds = 4 }`,
			files: map[string]string{"shop.py": hello},
			cause: "broken_descriptor", says: `shop\.hcl:2.*not served`,
		},
		{
			name:  "the version of Python is not there",
			app:   `wsgi { entry = "shop.py" }` + "\n" + `python { version = "3.99" }`,
			files: map[string]string{"shop.py": hello},
			cause: "environment_failed", says: `3\.99`,
		},
		{
			name: "the startup of an ASGI app fails",
			app:  `asgi { entry = "shop.py" }`,
			files: map[string]string{"shop.py": "async def application(scope, receive, send):\n    if scope[\"type\"] == \"lifespan\":\n" +
				"        await receive()\n        raise RuntimeError(\"no connection to the warehouse\")\n"},
			cause: "deploy_failed", says: `no connection to the warehouse.*shop\.py:4.*not served`,
		},
		{
			name: "the health check fails",
			app:  `wsgi { entry = "shop.py" }` + "\nhealth { path = \"/healthz\" }\ntimeouts { startup = \"30s\" }",
			files: map[string]string{"shop.py": "def application(environ, start_response):\n" +
				"    start_response(\"500 Down\", [])\n    return [b\"no\"]\n"},
			cause: "deploy_failed", says: `/healthz.*500.*not served`,
		},
		{
			name:  "a program exits at once",
			app:   `http { command = ["sh", "-c", "echo no configuration >&2; exit 3"] }`,
			cause: "deploy_failed", says: `exited with code 3.*not served`,
		},
		{
			name: "the port of a program is taken",
			app:  `http { command = ["python3", "server.py"] }`,
			files: map[string]string{"server.py": "import http.server\n\n" +
				"http.server.HTTPServer((\"127.0.0.1\", {{silent}}), http.server.SimpleHTTPRequestHandler).serve_forever()\n"},
			cause: "deploy_failed", says: `Address already in use.*not served`,
		},
		{
			name:  "an app takes too long to start",
			app:   `wsgi { entry = "shop.py" }` + "\ntimeouts { startup = \"2s\" }",
			files: map[string]string{"shop.py": "import time\n\ntime.sleep(60)\n" + hello},
			cause: "startup_timeout", says: `within 2s`,
		},
		{
			name:  "a mistake in new code",
			app:   `wsgi { entry = "shop.py" }`,
			files: map[string]string{"shop.py": hello},
			stage: func(_ context.Context, s *scene) error { return s.write("shop.py", hello+"\nprices = {}[\"tea\"]\n") },
			cause: "deploy_failed", says: `KeyError.*shop\.py:6.*generation 1 still serves`,
		},
	}
}

// overload returns incidents in which an app has more work than it can do.
func overload() []*incident {
	return []*incident{
		{
			name: "the queue is full",
			app: `
  wsgi {
    entry   = "shop.py"
    workers = 1
    threads = 2
  }
  queue { max = 4 }`,
			files: map[string]string{"shop.py": "import time\n\n\ndef application(environ, start_response):\n    time.sleep(0.5)\n" +
				"    start_response(\"200 OK\", [])\n    return [b\"hello\"]\n"},
			stage: busy(12),
			cause: "queue_full", says: `the queue is full, as seen since \d+:\d+:\d+: \d+ requests refused in \d+ s, \d+ %; 2 of 2 threads are in shop\.py line 5`,
		},
		{
			name: "workers crash again and again",
			app: `
  wsgi {
    entry   = "shop.py"
    workers = 1
  }`,
			files: map[string]string{
				"shop.py":     "import settings\n" + hello,
				"settings.py": "import os\nimport threading\n\nif os.path.exists(\"gone\"):\n    raise OSError(\"the price list is gone\")\nprices = 1\n",
			},
			stage: func(_ context.Context, s *scene) error {
				h, err := s.status()
				if err != nil {
					return err
				}
				if err := s.write("gone", ""); err != nil {
					return err
				}
				return kill(h.Apps[0].Runner.Workers[0].PID)
			},
			look:  8 * 1e9,
			cause: "crash_loop", says: `did not start \d+ times, 1 of 1 are down.*the price list is gone.*settings\.py:5`,
		},
	}
}
