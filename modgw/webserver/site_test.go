package webserver_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/webserver"
)

// namedRunner answers with the name of its app.
type namedRunner struct{ name modgw.AppName }

func (r namedRunner) Start(context.Context) error { return nil }
func (r namedRunner) Stop(context.Context)        {}
func (r namedRunner) Status() modgw.RunnerStatus  { return modgw.RunnerStatus{} }
func (r namedRunner) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	io.WriteString(w, string(r.name))
}

// TestWebServerAsksTheAppThatTheGatewayWouldAsk compares Apps, from which configurations of web
// servers are written, with the routing of the gateway.
func TestWebServerAsksTheAppThatTheGatewayWouldAsk(t *testing.T) {
	apps := []modgw.Descriptor{
		{Name: "eve", Mount: "/", Owner: "eve"},
		{Name: "admin", Mount: "/status"},
		{Name: "bob", Mount: "/app", Owner: "bob", Hosts: []string{"b.test", "*.wild.test"}},
		{Name: "bobs-any", Mount: "/bob", Owner: "bob"},
		{Name: "panel", Mount: "/panel", Hosts: []string{"both.test"}},
		{Name: "own", Mount: "/own", Owner: "bob", Hosts: []string{"both.test"}},
		{Name: "deep", Mount: "/app/deep", Owner: "bob", Hosts: []string{"*.deep.wild.test", "b.test"}},
	}
	gateway := modgw.New(modgw.Config{Runners: map[modgw.Kind]modgw.NewRunner{
		modgw.KindWSGI: func(c modgw.RunnerConfig) (modgw.Runner, error) { return namedRunner{c.Descriptor.Name}, nil },
	}})
	t.Cleanup(func() { gateway.Close(context.Background()) })
	for _, d := range apps {
		d.Kind, d.Timeouts.Drain = modgw.KindWSGI, time.Second
		if err := gateway.Deploy(t.Context(), d, "test"); err != nil {
			t.Fatal(err)
		}
	}
	// Behind a web server, a host that no app names reaches the apps of its wildcard.
	for host, pattern := range map[string]string{
		"b.test": "b.test", "x.wild.test": "*.wild.test", "x.deep.wild.test": "*.deep.wild.test",
		"both.test": "both.test", "other.test": "",
	} {
		for _, path := range []string{
			"/", "/app", "/app/x", "/app/deep", "/app/deeper", "/login", "/bob", "/own/x", "/status", "/panel",
		} {
			asked := ""
			for _, d := range webserver.Apps(pattern, apps) {
				if d.Mount == "/" || path == string(d.Mount) || strings.HasPrefix(path, string(d.Mount)+"/") {
					asked = string(d.Name)
					break
				}
			}
			request := httptest.NewRequest("GET", "http://"+host+path, nil)
			answer := httptest.NewRecorder()
			gateway.ServeHTTP(answer, request)
			answered := answer.Body.String()
			if answer.Code == http.StatusNotFound {
				answered = ""
			}
			if asked != answered {
				t.Errorf("http://%s%s: the web server asks %q, and %q answers", host, path, asked, answered)
			}
		}
	}
}
