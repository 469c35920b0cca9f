package doctor

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/modgw/modgw/modgw/probe"
)

// prober asks one place at one endpoint.
type prober struct {
	doctor   *Doctor
	place    *place
	key      probe.Key
	endpoint endpoint
	verdicts []verdict
}

// host is the name that the place is asked by.
func (p *prober) host() string {
	switch host := p.place.host; {
	case host == "" && len(p.place.site.names) > 0 && !strings.HasPrefix(p.place.site.names[0], "*"):
		return p.place.site.names[0]
	case host == "":
		return "localhost"
	default:
		return strings.Replace(host, "*", "modgw-probe", 1)
	}
}

// answer is the outcome of a probe.
type answer struct {
	err     error
	status  int
	header  http.Header
	body    []byte
	report  *probe.Report // nil: the probe did not reach the host, or its answer was lost
	own     bool          // the response is the host's
	local   string        // address of this end of the connection
	refusal string        // status and reason for messages
}

// ask sends a probe of a kind with a tail behind its signed path.
func (p *prober) ask(ctx context.Context, kind probe.Kind, tail string, r request) answer {
	token := probe.NewToken(kind)
	r.target = strings.TrimSuffix(p.place.path(), "/") + "/" + p.key.Segment(token) + tail
	r.host = p.host()
	if r.method == "" {
		r.method = "GET"
	}
	conn, err := p.endpoint.dial(ctx, r.host)
	if err != nil {
		return answer{err: err}
	}
	defer conn.close()
	a := answer{local: hostOf(conn.LocalAddr().String())}
	resp, err := conn.send(r)
	if err != nil {
		a.err = err
	}
	if resp != nil {
		defer resp.Body.Close()
		a.status, a.header, a.refusal = resp.StatusCode, resp.Header, resp.Status
		a.own = resp.Header.Get("Modgw-Probe") == token.ID
		if resp.StatusCode == http.StatusSwitchingProtocols {
			a.body = readMessage(conn.reader)
		} else {
			a.body, a.err = io.ReadAll(io.LimitReader(resp.Body, 1<<20))
		}
	}
	var report probe.Report
	if a.own && json.Unmarshal(a.body, &report) == nil && report.Token.ID == token.ID {
		a.report = &report
		return a
	}
	if kept, ok, err := p.doctor.Host.ProbeReport(ctx, token.ID); ok && err == nil {
		a.report = &kept
	}
	return a
}

func hostOf(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return host
}

// readMessage returns the first message of a WebSocket; it is shorter than 64 KiB.
func readMessage(r io.Reader) []byte {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil || head[0] != 0x81 || head[1] != 126 {
		return nil
	}
	message := make([]byte, int(head[2])<<8|int(head[3]))
	if _, err := io.ReadFull(r, message); err != nil {
		return nil
	}
	return message
}

// say records a verdict. args are the arguments of the code's message.
func (p *prober) say(code string, fine bool, args ...any) {
	v := verdict{place: p.place, code: code}
	if !fine {
		at := p.place.route.at
		directive := cmp.Or(p.place.site.server.traits.directives(p.place)[code], at.Name)
		f := p.place.finding(code, args...).at(at, directive)
		v.wrong = &f
	}
	p.verdicts = append(p.verdicts, v)
}

// redirects reports whether an answer sends the client to TLS.
func (a answer) redirects(p *prober) bool {
	return !p.endpoint.tls && a.status >= 300 && a.status < 400 && strings.HasPrefix(a.header.Get("Location"), "https://")
}

func reasonOf(err error) string {
	text := err.Error()
	if i := strings.LastIndex(text, ": "); i >= 0 {
		return text[i+2:]
	}
	return text
}

// sameHost compares host names without their ports.
func sameHost(a, b string) bool {
	cut := func(h string) string {
		if host, _, err := net.SplitHostPort(h); err == nil {
			return host
		}
		return h
	}
	return strings.EqualFold(cut(a), cut(b))
}

func (p *prober) scheme() string {
	if p.endpoint.tls {
		return "https"
	}
	return "http"
}
