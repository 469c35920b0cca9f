package modgw

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// healthPause is the time between two tries of a health request that was not answered well.
const healthPause = 200 * time.Millisecond

// awaitHealth asks the new generation's health path until it answers with a status below 400, for
// as long as the app may take to start. Without a health path every generation is healthy.
func (g *Gateway) awaitHealth(ctx context.Context, next *Generation) error {
	health := next.Descriptor.Health
	if health.Path == "" {
		return nil
	}
	deadline := time.NewTimer(next.Descriptor.Timeouts.Startup)
	defer deadline.Stop()
	pause := time.NewTicker(healthPause)
	defer pause.Stop()
	for {
		status := next.askHealth(ctx)
		if status > 0 && status < http.StatusBadRequest {
			return nil
		}
		select {
		case <-pause.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-deadline.C:
			return &Fault{
				Code:    "MGW-APP-110",
				Summary: fmt.Sprintf("cannot use the new generation of app %q: its health path %q answered %d", next.Descriptor.Name, health.Path, status),
				Hint:    "the answer must be below 400; look at the app's log with modgw-host logs " + string(next.Descriptor.Name),
			}
		}
	}
}

// askHealth makes one health request and returns its status; 0 when the response was cut off.
func (g *Generation) askHealth(ctx context.Context) (status int) {
	ctx, cancel := context.WithTimeout(ctx, g.Descriptor.Health.Timeout)
	defer cancel()
	defer func() {
		if reason := recover(); reason != nil && reason != http.ErrAbortHandler {
			panic(reason)
		}
	}()
	w := &statusOnly{header: http.Header{}}
	g.runner.ServeHTTP(w, g.healthRequest(ctx))
	return w.status
}

// statusOnly keeps the status of a response, which an early hint is not, and drops the rest.
type statusOnly struct {
	header http.Header
	status int // 0 until the head is written
}

func (w *statusOnly) Header() http.Header { return w.header }

func (w *statusOnly) WriteHeader(status int) {
	if w.status == 0 && status >= http.StatusOK {
		w.status = status
	}
}

func (w *statusOnly) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return len(p), nil
}

func (g *Generation) healthRequest(ctx context.Context) *http.Request {
	d := g.Descriptor
	host := "localhost"
	if len(d.Hosts) > 0 && d.Hosts[0][0] != '*' {
		host = d.Hosts[0]
	}
	mount := string(d.Mount)
	if mount == "/" {
		mount = ""
	}
	r := (&http.Request{
		Method:     http.MethodGet,
		URL:        &url.URL{Path: mount + d.Health.Path},
		Proto:      "HTTP/1.1",
		ProtoMajor: 1,
		ProtoMinor: 1,
		Header:     http.Header{"User-Agent": {"modgw-health"}},
		Body:       http.NoBody,
		Host:       host,
		RemoteAddr: "127.0.0.1:0",
	}).WithContext(ctx)
	info := requestInfoFrom(r)
	info.ScriptName, info.PathInfo, info.ID = mount, d.Health.Path, "health"
	return r.WithContext(WithRequestInfo(ctx, info))
}
