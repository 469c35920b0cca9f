// Command confined measures what the sandbox costs: answers a second of a WSGI app with it and
// without, and how long a CGI script takes, which starts for each request.
//
//	go run ./bench/confined
//	go run ./bench/confined -rounds 9 -time 3s
//
// The apps run on one host and take turns. Only ratios of one run mean anything: machines differ.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
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

	connections = 16
)

func main() { testbed.Main("confined", run) }

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("confined", flag.ContinueOnError)
	flags.SetOutput(stderr)
	rounds := flags.Int("rounds", 5, "turns of each app")
	turn := flags.Duration("time", 2*time.Second, "length of a turn")
	if err := flags.Parse(args); err != nil {
		return err
	}
	dir, err := testbed.Folder("", "confined")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	url, host, err := serve(ctx, dir)
	defer host.Stop()
	if err != nil {
		return err
	}
	for _, m := range []struct {
		name        string
		connections int
		unit        string
		of          func(perSecond float64) float64
	}{
		{"wsgi", connections, "answers a second", func(n float64) float64 { return n }},
		{"cgi", 1, "ms for a script", func(n float64) float64 { return 1000 / n }},
	} {
		var free, confined []float64
		for range *rounds {
			for _, side := range []struct {
				app  string
				list *[]float64
			}{{m.name, &free}, {m.name + "-confined", &confined}} {
				n, err := ask(ctx, url+"/"+side.app+"/", m.connections, *turn)
				if err != nil {
					return err
				}
				*side.list = append(*side.list, m.of(n))
			}
		}
		a, b := median(free), median(confined)
		fmt.Fprintf(stdout, "%-5s %8.2f without, %8.2f with the sandbox: × %.3f  (%s)\n", m.name, a, b, b/a, m.unit)
	}
	return nil
}

// serve starts a host with the apps, and returns its address when it is ready.
func serve(ctx context.Context, dir string) (url string, host *testbed.Program, err error) {
	program, err := testbed.BuildHost(ctx, dir)
	if err != nil {
		return "", nil, err
	}
	text := ""
	for _, app := range [][3]string{
		{"wsgi", wsgi, ""}, {"wsgi-confined", wsgi, "sandbox {}"}, {"cgi", cgi, ""}, {"cgi-confined", cgi, "sandbox {}"},
	} {
		text += fmt.Sprintf(descriptor, app[0], app[0], app[1], app[2])
	}
	for name, content := range map[string]string{"apps.hcl": text, "hello.wsgi": hello, "hello.cgi": script} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o755); err != nil {
			return "", nil, err
		}
	}
	address, err := testbed.FreeAddress()
	if err != nil {
		return "", nil, err
	}
	host, err = testbed.Start(dir, nil, program, "serve", "apps.hcl", "--listen", "http="+address, "--state", "state")
	if err != nil {
		return "", nil, err
	}
	err = host.Await(ctx, time.Minute, func(context.Context) error {
		if !strings.Contains(host.Log(), "ready apps=4 failed=0") {
			return errors.New("the host is not ready")
		}
		return nil
	})
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, host.Log())
	}
	return "http://" + address, host, err
}

// ask asks an app for a while, and returns how many answers came in a second.
func ask(ctx context.Context, url string, connections int, turn time.Duration) (float64, error) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections}}
	defer client.CloseIdleConnections()
	var answers atomic.Int64
	var all sync.WaitGroup
	failures := make(chan error, connections)
	begin := time.Now()
	for range connections {
		all.Go(func() {
			for time.Since(begin) < turn && ctx.Err() == nil {
				response, err := client.Get(url)
				if err == nil {
					_, err = io.Copy(io.Discard, response.Body)
					response.Body.Close()
				}
				if err == nil && response.StatusCode != http.StatusOK {
					err = errors.New(url + ": " + response.Status)
				}
				if err != nil {
					failures <- err
					return
				}
				answers.Add(1)
			}
		})
	}
	all.Wait()
	close(failures)
	if err := <-failures; err != nil {
		return 0, err
	}
	return float64(answers.Load()) / time.Since(begin).Seconds(), ctx.Err()
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}
