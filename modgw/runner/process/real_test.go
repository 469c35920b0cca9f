package process

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modgw/modgw/internal/fronttest"
	"github.com/modgw/modgw/modgw"
)

// TestProgramsOfOthers runs servers that do not know the host.
func TestProgramsOfOthers(t *testing.T) {
	fronttest.Require(t, "node", "nodejs")
	fronttest.Require(t, "python3", "python3")
	fronttest.Require(t, "gunicorn", "gunicorn")
	for name, c := range map[string]struct {
		files   map[string]string
		command []string
	}{
		"Node.js by PORT": {
			map[string]string{"server.js": `require("http").createServer((q, a) => a.end("hello")).listen(process.env.PORT)`},
			[]string{"node", "server.js"},
		},
		"Node.js by its inherited socket": {
			map[string]string{"server.js": `require("http").createServer((q, a) => a.end("hello")).listen({fd: 3})`},
			[]string{"node", "server.js"},
		},
		"Node.js by a package's program": {
			map[string]string{"node_modules/.bin/serve": "#!/usr/bin/env node\n" + `require("http").createServer((q, a) => a.end("hello")).listen(process.env.PORT, "localhost")`},
			[]string{"serve"},
		},
		"Python's server by PORT": {
			map[string]string{"index.html": "hello"},
			[]string{"sh", "-c", "exec python3 -m http.server --bind 127.0.0.1 $PORT"},
		},
		"Gunicorn by LISTEN_FDS": {
			map[string]string{"hello.py": "def app(environ, start):\n    start('200 OK', [('Content-Length', '5')])\n    return [b'hello']\n"},
			[]string{"/usr/bin/gunicorn", "--workers", "2", "hello:app"},
		},
		"Gunicorn by PORT": {
			map[string]string{"hello.py": "def app(environ, start):\n    start('200 OK', [('Content-Length', '5')])\n    return [b'hello']\n"},
			[]string{"sh", "-c", "unset LISTEN_PID; exec /usr/bin/gunicorn hello:app"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := prepare(t, "", func(d *modgw.Descriptor) {
				d.Env = map[string]string{"PATH": os.Getenv("PATH")}
				d.HTTP.Command = c.command
				for file, text := range c.files {
					path := filepath.Join(d.Root, file)
					if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
						t.Fatal(err)
					}
				}
			})
			if err := s.deploy(); err != nil {
				t.Fatal(err)
			}
			for range 3 {
				if a := s.get("/"); a.status != 200 || a.body != "hello" {
					t.Errorf("got %d %q, %v", a.status, a.body, a.err)
				}
			}
		})
	}
}

func TestFailedStartOfNodeNamesFileAndLine(t *testing.T) {
	fronttest.Require(t, "node", "nodejs")
	for name, files := range map[string]map[string]string{
		"a syntax error":  {"server.js": "\nconst app = = 1\n"},
		"an exception":    {"server.js": "\nthrow new Error('no')\n"},
		"a missing file":  {"server.js": "\nrequire('./lib/gone')\n"},
		"a file of a lib": {"server.js": "require('./lib')\n", "lib.js": "\nconst app = = 1\n"},
	} {
		t.Run(name, func(t *testing.T) {
			s := prepare(t, "", func(d *modgw.Descriptor) {
				d.Env = map[string]string{"PATH": os.Getenv("PATH")}
				d.HTTP.Command = []string{"node", "server.js"}
				for file, text := range files {
					if err := os.WriteFile(filepath.Join(d.Root, file), []byte(text), 0o644); err != nil {
						t.Fatal(err)
					}
				}
			})
			place := "server.js:2)"
			if files["lib.js"] != "" {
				place = "lib.js:2)"
			}
			if err := s.deploy(); err == nil || !strings.Contains(err.Error(), place) {
				t.Errorf("got %v, want the place %s", err, place)
			}
		})
	}
}
