package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/modgw/modgw/bench/testbed"
)

const (
	hello = "def application(environ, start_response):\n" +
		"    start_response('200 OK', [('Content-Type', 'text/plain')])\n    return [b'hello']\n"
	script = "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\nhello'\n"

	descriptor = `app %q {
  mount = "/%s"
  %s
  %s
}
`
	wsgi = "wsgi {\n    entry = \"hello.wsgi\"\n    workers = 1\n  }"
	cgi  = "cgi { script = \"hello.cgi\" }"
)

// host is a host with the apps.
type host struct {
	url     string // root of its apps
	program *testbed.Program
}

// serve starts a host with the apps and returns when it is ready. It is to be stopped after an
// error as well.
func serve(ctx context.Context, dir string) (host, error) {
	program, err := testbed.BuildHost(ctx, dir)
	if err != nil {
		return host{}, err
	}
	text := ""
	for _, app := range [][3]string{
		{"wsgi", wsgi, ""}, {"wsgi-confined", wsgi, "sandbox {}"}, {"cgi", cgi, ""}, {"cgi-confined", cgi, "sandbox {}"},
	} {
		text += fmt.Sprintf(descriptor, app[0], app[0], app[1], app[2])
	}
	for name, content := range map[string]string{"apps.hcl": text, "hello.wsgi": hello, "hello.cgi": script} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o755); err != nil {
			return host{}, err
		}
	}
	address, err := testbed.FreeAddress()
	if err != nil {
		return host{}, err
	}
	h := host{url: "http://" + address}
	h.program, err = testbed.Start(dir, nil, program, "serve", "apps.hcl", "--listen", "http="+address, "--state", "state")
	if err != nil {
		return h, err
	}
	err = h.program.Await(ctx, time.Minute, func(context.Context) error {
		if !strings.Contains(h.program.Log(), "ready apps=4 failed=0") {
			return errors.New("the host is not ready")
		}
		return nil
	})
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, h.program.Log())
	}
	return h, err
}
