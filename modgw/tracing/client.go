package tracing

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	collectorpb "go.opentelemetry.io/proto/slim/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/modgw/modgw/modgw"
)

const (
	requestTime   = 10 * time.Second // for one request to the collector
	longestAnswer = 64 << 10         // bytes that are read of an answer
	longestPause  = 30 * time.Second // that a collector can ask for
)

// client sends requests to a collector, as OTLP has it over HTTP with Protocol Buffers.
type client struct {
	http    *http.Client
	url     string
	shown   string // url without possible secrets
	headers map[string]string
}

// result is the outcome of a request to the collector.
type result struct {
	err      error         // nil: it was taken
	again    bool          // it may be taken later
	pause    time.Duration // how long to wait first, as the collector asks; 0: it does not
	rejected int           // spans that were not taken, of those that err is about; 0: all
}

func newClient(s modgw.Tracing) *client {
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 1, IdleConnTimeout: 30 * time.Second,
		TLSHandshakeTimeout: requestTime, ForceAttemptHTTP2: true,
	}
	c := &client{
		http: &http.Client{
			Transport:     transport,
			Timeout:       requestTime,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		url:     strings.TrimSuffix(s.Endpoint, "/") + "/v1/traces",
		headers: s.Headers,
	}
	if u, err := url.Parse(c.url); err == nil {
		c.shown = u.Redacted()
	}
	return c
}

// close ends connections that are kept.
func (c *client) close() { c.http.CloseIdleConnections() }

// send makes one request with an encoded ExportTraceServiceRequest.
func (c *client) send(ctx context.Context, body []byte) result {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return result{err: err}
	}
	for name, value := range c.headers {
		r.Header.Set(name, value)
	}
	r.Header.Set("Content-Type", "application/x-protobuf")
	r.Header.Set("User-Agent", "modgw")
	answer, err := c.http.Do(r)
	if err != nil {
		if failed, ok := errors.AsType[*url.Error](err); ok {
			err = failed.Err // without the URL, which is logged separately
		}
		return result{err: err, again: true}
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(io.LimitReader(answer.Body, longestAnswer))
	if err != nil {
		return result{err: err, again: true}
	}
	return judge(answer, content)
}

// judge reads the collector's answer.
func judge(answer *http.Response, content []byte) result {
	switch answer.StatusCode {
	case http.StatusOK:
		return partialSuccess(answer, content)
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable,
		http.StatusGatewayTimeout:
		seconds, _ := strconv.Atoi(answer.Header.Get("Retry-After")) // without a number: as usual
		pause := min(max(0, time.Duration(seconds)*time.Second), longestPause)
		return result{err: refused(answer), again: true, pause: pause}
	}
	return result{err: refused(answer)}
}

func refused(answer *http.Response) error {
	return fmt.Errorf("the collector answered %s", strconv.QuoteToASCII(answer.Status))
}

// partialSuccess reads how many spans the collector did not take.
func partialSuccess(answer *http.Response, content []byte) result {
	var partial collectorpb.ExportTraceServiceResponse
	if !strings.HasPrefix(answer.Header.Get("Content-Type"), "application/x-protobuf") ||
		proto.Unmarshal(content, &partial) != nil {
		return result{} // the status means that it was accepted
	}
	rejected := partial.GetPartialSuccess().GetRejectedSpans()
	if rejected <= 0 {
		return result{}
	}
	reason := strconv.QuoteToASCII(partial.GetPartialSuccess().GetErrorMessage())
	err := fmt.Errorf("the collector did not take some: %s", reason)
	return result{err: err, rejected: int(min(rejected, batchSize))}
}
