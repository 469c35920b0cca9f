package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"syscall"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/claims"
	"github.com/modgw/modgw/modgw/history"
	"github.com/modgw/modgw/modgw/probe"
)

// ErrNoHost is returned when no host listens at the control address.
var ErrNoHost = errors.New("no host is running")

// Client sends requests to a running host.
type Client struct {
	address modgw.Address
	http    *http.Client
}

// NewClient returns a client for the host at a control address. It does not connect yet.
func NewClient(address modgw.Address) *Client {
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, address.Network(), address.Target())
		},
		// Each command sends one request; no connection is kept open.
		DisableKeepAlives: true,
	}
	return &Client{address: address, http: &http.Client{Transport: transport}}
}

// Status requests a snapshot of the host.
func (c *Client) Status(ctx context.Context) (Status, error) {
	return ask[Status](ctx, c, http.MethodGet, "/v1/status")
}

// StatusFor is like Status, for callers who want to know about one app: if the host does not show
// this app to the caller, the audit log records the request.
func (c *Client) StatusFor(ctx context.Context, app modgw.AppName) (Status, error) {
	return ask[Status](ctx, c, http.MethodGet, "/v1/status?app="+url.QueryEscape(string(app)))
}

// Descriptors requests the descriptors of the running apps, including secrets.
func (c *Client) Descriptors(ctx context.Context) ([]modgw.Descriptor, error) {
	return ask[[]modgw.Descriptor](ctx, c, http.MethodGet, "/v1/descriptors")
}

// Claims requests the claims of all apps.
func (c *Client) Claims(ctx context.Context) ([]claims.Claim, error) {
	return ask[[]claims.Claim](ctx, c, http.MethodGet, "/v1/claims")
}

// Policy requests the rights of users to claims.
func (c *Client) Policy(ctx context.Context) (Policy, error) {
	return ask[Policy](ctx, c, http.MethodGet, "/v1/policy")
}

// Actions requests the last lines of the audit log, for an app or, for "", for all; 0 lines: all.
func (c *Client) Actions(ctx context.Context, app modgw.AppName, lines int) ([]Action, error) {
	query := url.Values{"app": {string(app)}, "lines": {strconv.Itoa(lines)}}
	return ask[[]Action](ctx, c, http.MethodGet, "/v1/audit?"+query.Encode())
}

// Do has the host perform one of "reload", "restart", "rollback" and "stop" for an app, or "reload"
// for all apps if app is "". It waits for the result if wait is true; otherwise a reload or restart
// has only begun when Do returns.
func (c *Client) Do(ctx context.Context, verb string, app modgw.AppName, wait bool) error {
	path := "/v1/" + verb
	if app != "" {
		path = "/v1/apps/" + url.PathEscape(string(app)) + "/" + verb
	}
	if !wait {
		path += "?wait=false"
	}
	_, err := ask[struct{}](ctx, c, http.MethodPost, path)
	return err
}

// Scale sets the number of workers of an app; the zero Scale returns to its descriptor.
func (c *Client) Scale(ctx context.Context, app modgw.AppName, s modgw.Scale) (modgw.ScaleStatus, error) {
	path := "/v1/apps/" + url.PathEscape(string(app)) + "/scale"
	if s != (modgw.Scale{}) {
		path += "?workers=" + s.String()
	}
	return ask[modgw.ScaleStatus](ctx, c, http.MethodPost, path)
}

// ArmProbes requests a key for signing probes; see [Host].
func (c *Client) ArmProbes(ctx context.Context, lifetime time.Duration) (probe.Key, error) {
	return ask[probe.Key](ctx, c, http.MethodPost, "/v1/probes?lifetime="+url.QueryEscape(lifetime.String()))
}

// ProbeReport requests the report of the arrivals of a probe. It returns false if none has arrived.
func (c *Client) ProbeReport(ctx context.Context, id string) (probe.Report, bool, error) {
	reports, err := ask[[]probe.Report](ctx, c, http.MethodGet, "/v1/probes/"+url.PathEscape(id))
	if err != nil || len(reports) == 0 {
		return probe.Report{}, false, err
	}
	return reports[0], true, nil
}

// ContinueProbe lets the stream of a probe continue.
func (c *Client) ContinueProbe(ctx context.Context, id string) error {
	_, err := ask[struct{}](ctx, c, http.MethodPost, "/v1/probes/"+url.PathEscape(id)+"/continue")
	return err
}

// Metrics copies the metrics to w, in Prometheus's text format or in JSON.
func (c *Client) Metrics(ctx context.Context, w io.Writer, asJSON bool) error {
	accept := "text/plain"
	if asJSON {
		accept = "application/json"
	}
	response, err := c.sendHeader(ctx, http.MethodGet, "/metrics", http.Header{"Accept": {accept}})
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(w, response.Body); err != nil {
		return fmt.Errorf("cannot read the host's answer: %w", err)
	}
	return nil
}

// History requests the figures and deploys of an app, or of all apps for "", with the points after
// a time.
func (c *Client) History(ctx context.Context, app modgw.AppName, since time.Time) ([]history.App, error) {
	query := url.Values{"app": {string(app)}}
	if !since.IsZero() {
		query.Set("since", strconv.FormatInt(since.UnixMilli(), 10))
	}
	return ask[[]history.App](ctx, c, http.MethodGet, "/v1/history?"+query.Encode())
}

// RequestRecords requests the slow and the failed requests of an app.
func (c *Client) RequestRecords(ctx context.Context, app modgw.AppName) (modgw.RequestRecords, error) {
	return ask[modgw.RequestRecords](ctx, c, http.MethodGet, "/v1/apps/"+url.PathEscape(string(app))+"/requests")
}

// OpenDashboard requests a link that gives a browser access to the dashboard.
func (c *Client) OpenDashboard(ctx context.Context) (DashboardLink, error) {
	return ask[DashboardLink](ctx, c, http.MethodPost, "/v1/dashboard")
}

// Upgrade replaces the host by a program, given by its absolute path; see [Host].
func (c *Client) Upgrade(ctx context.Context, program string) (Upgrade, error) {
	return ask[Upgrade](ctx, c, http.MethodPost, "/v1/upgrade?program="+url.QueryEscape(program))
}

// Shutdown ends the host.
func (c *Client) Shutdown(ctx context.Context) error {
	_, err := ask[struct{}](ctx, c, http.MethodPost, "/v1/shutdown")
	return err
}

// Logs calls yield with log records until there are no more, ctx is done or yield returns false.
func (c *Client) Logs(ctx context.Context, q LogQuery, yield func(LogRecord) bool) error {
	values := url.Values{"app": {string(q.App)}, "request": {q.Request}, "lines": {strconv.Itoa(q.Lines)}}
	if q.Follow {
		values.Set("follow", "true")
	}
	if q.Level != nil {
		values.Set("level", q.Level.String())
	}
	for name, limit := range map[string]time.Time{"since": q.Since, "until": q.Until} {
		if !limit.IsZero() {
			values.Set(name, limit.Format(time.RFC3339Nano))
		}
	}
	response, err := c.send(ctx, http.MethodGet, "/v1/logs?"+values.Encode())
	if err != nil {
		return err
	}
	defer response.Body.Close()
	for decoder := json.NewDecoder(response.Body); ; {
		var record LogRecord
		switch err := decoder.Decode(&record); {
		case err == io.EOF || ctx.Err() != nil:
			return nil
		case err != nil:
			return fmt.Errorf("cannot read the host's log: %w", err)
		}
		if !yield(record) {
			return nil
		}
	}
}

func ask[T any](ctx context.Context, c *Client, method, path string) (answer T, err error) {
	response, err := c.send(ctx, method, path)
	if err != nil {
		return answer, err
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return answer, fmt.Errorf("cannot read the host's answer: %w", err)
	}
	return answer, nil
}

// send returns a response with status 200, or an error with the host's message.
func (c *Client) send(ctx context.Context, method, path string) (*http.Response, error) {
	return c.sendHeader(ctx, method, path, http.Header{})
}

// sendHeader is like send, with additional header fields.
func (c *Client) sendHeader(ctx context.Context, method, path string, h http.Header) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, "http://control"+path, nil)
	if err != nil {
		return nil, err
	}
	r.Header = h
	response, err := c.http.Do(r)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return nil, fmt.Errorf("%w at %s", ErrNoHost, c.address)
	case err != nil:
		return nil, fmt.Errorf("cannot ask the host at %s: %w", c.address, errors.Unwrap(err))
	case response.StatusCode == http.StatusOK:
		return response, nil
	}
	defer response.Body.Close()
	return nil, errorOf(response)
}

// errorOf returns the error that a response reports.
func errorOf(response *http.Response) error {
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("cannot read the host's answer: %w", err)
	}
	var answer errorAnswer
	if json.Unmarshal(body, &answer) != nil || answer.Error == "" {
		return fmt.Errorf("the host answered %s: %s", response.Status, bytes.TrimSpace(body))
	}
	return &Refusal{Code: answer.Code, Text: answer.Error}
}

// Refusal is an error of the host: the request could not be performed.
type Refusal struct {
	Code string // "": the error has no code
	Text string // all lines
}

func (r *Refusal) Error() string { return r.Text }
