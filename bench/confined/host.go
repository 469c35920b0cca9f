package main

import (
	"context"
	"fmt"

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
type host struct{ *testbed.Host }

// serve starts a host with the apps and returns when it is ready.
func serve(ctx context.Context, bed testbed.Bed) (host, error) {
	text := ""
	for _, app := range [][3]string{
		{"wsgi", wsgi, ""}, {"wsgi-confined", wsgi, "sandbox {}"}, {"cgi", cgi, ""}, {"cgi-confined", cgi, "sandbox {}"},
	} {
		text += fmt.Sprintf(descriptor, app[0], app[0], app[1], app[2])
	}
	for name, content := range map[string]string{"apps.hcl": text, "hello.wsgi": hello, "hello.cgi": script} {
		if err := bed.Write(name, content); err != nil {
			return host{}, err
		}
	}
	h, err := bed.Serve(ctx, "apps.hcl")
	return host{h}, err
}
