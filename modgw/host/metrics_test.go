package host

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modgw/modgw/modgw"
)

// TestMetricsHaveAListenerOfTheirOwn requests the metrics of a running host as Prometheus does.
func TestMetricsHaveAListenerOfTheirOwn(t *testing.T) {
	dir, err := os.MkdirTemp("", "metrics") // short: the path of a socket is limited
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "metrics.sock")
	for name, text := range map[string]string{
		"modgw.hcl": `metrics { address = "unix:` + socket + `" }`,
		"files.hcl": `app "files" {
  static { dir = "." }
  reload { mode = "off" }
}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	ready := make(chan struct{})
	h, err := New(Config{
		File:    filepath.Join(dir, "modgw.hcl"),
		Targets: []string{filepath.Join(dir, "files.hcl")},
		State:   filepath.Join(dir, "state"),
		Control: modgw.Address("unix:" + filepath.Join(dir, "c")),
		Version: "1.2.3",
		Ready:   func() { close(ready) },
	})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- h.Run(context.WithoutCancel(t.Context())) }()
	<-ready
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		},
	}}
	for path, want := range map[string]int{"/metrics": http.StatusOK, "/": http.StatusNotFound} {
		response, err := client.Get("http://metrics" + path)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || response.StatusCode != want {
			t.Errorf("%s: %s, %v", path, response.Status, err)
		}
		if path == "/metrics" && (!strings.Contains(string(text), `modgw_app_state{app="files",state="serving"} 1`) ||
			!strings.Contains(string(text), `modgw_info{version="1.2.3"} 1`)) {
			t.Error(string(text))
		}
	}
	h.Shutdown()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(socket); err == nil {
		t.Error("the socket is still there")
	}
}
