package doctor

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/modgw/modgw/modgw/probe"
	"github.com/modgw/modgw/modgw/webserver"
)

// verdict is what a probe has shown of one code at one place.
type verdict struct {
	place *place
	code  string
	wrong *Finding // nil: it is as it should be
}

// probe sends probes to all places through the web servers.
func (d *Doctor) probe(ctx context.Context, servers []*server) (all []verdict, err error) {
	key, err := d.Host.ArmProbes(ctx, probe.MaxLifetime)
	if err != nil {
		return nil, err
	}
	asked := map[string]bool{}
	for _, s := range servers {
		for _, p := range s.places() {
			for _, e := range d.endpoints(p.site) {
				where := fmt.Sprintf("%s %s %s %s", e.url(), p.host, p.app.Name, p.app.Mount)
				if asked[where] {
					continue
				}
				asked[where] = true
				pr := &prober{doctor: d, place: p, key: key, endpoint: e}
				pr.run(ctx)
				all = append(all, pr.verdicts...)
				if ctx.Err() != nil {
					return nil, context.Cause(ctx)
				}
			}
		}
	}
	return all, nil
}

// endpoints are where a site can be asked from this machine.
func (d *Doctor) endpoints(s *site) (all []endpoint) {
	if d.URLs != nil {
		for _, text := range d.URLs {
			u, err := url.Parse(text)
			if err != nil || u.Hostname() == "" {
				continue
			}
			e := endpoint{tls: u.Scheme == "https", address: u.Host}
			if u.Port() == "" {
				e.address = net.JoinHostPort(u.Hostname(), map[bool]string{false: "80", true: "443"}[e.tls])
			}
			if s.tls == e.tls {
				all = append(all, d.from(e))
			}
		}
		return all
	}
	for _, a := range s.addresses {
		host, port, err := net.SplitHostPort(a)
		if err != nil || port == "*" {
			continue
		}
		if host == "" {
			host = "127.0.0.1"
		}
		all = append(all, d.from(endpoint{address: net.JoinHostPort(host, port), tls: s.tls}))
	}
	return all
}

// from chooses an address on loopback that is no trusted proxy's, whom the host would believe.
func (d *Doctor) from(e endpoint) endpoint {
	host, _, _ := net.SplitHostPort(e.address)
	to, err := netip.ParseAddr(host)
	if host == "localhost" {
		to, err = netip.MustParseAddr("127.0.0.1"), nil
	}
	if err == nil && to.IsLoopback() && to.Is4() && d.trusts("127.0.0.1") && !d.trusts("127.9.9.9") {
		e.local = net.ParseIP("127.9.9.9")
	}
	return e
}

// trusts reports whether an address is that of a trusted proxy.
func (d *Doctor) trusts(address string) bool {
	a, err := netip.ParseAddr(address)
	return err == nil && slices.ContainsFunc(d.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(a.Unmap()) })
}

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

// say keeps a verdict. args are those of the code's message.
func (p *prober) say(code string, fine bool, args ...any) {
	v := verdict{place: p.place, code: code}
	if !fine {
		at, directive := p.place.site.server.traits.missing(p.place, code)
		f := p.place.finding(code, args...).at(at, directive)
		v.wrong = &f
	}
	p.verdicts = append(p.verdicts, v)
}

// run sends all probes. Without an answer to the first one the others would show nothing.
func (p *prober) run(ctx context.Context) {
	a := p.ask(ctx, probe.Echo, "", request{})
	if a.err != nil && a.status == 0 {
		p.say("MGW-DOC-033", false, p.endpoint.address, reasonOf(a.err))
		return
	}
	p.say("MGW-DOC-033", true)
	if a.report == nil {
		if a.redirects(p) || a.status == http.StatusUnauthorized {
			// a site that sends clients elsewhere, or asks for a password, lets no probe pass
			return
		}
		p.say("MGW-DOC-034", false, p.host()+p.place.path(), a.refusal)
		return
	}
	p.say("MGW-DOC-034", true)
	p.say("MGW-DOC-032", a.report.App == "" || a.report.App == p.place.app.Name || !p.doctor.examines(a.report.App), a.report.App)
	p.say("MGW-DOC-013", sameHost(a.report.Host, p.host()))
	p.say("MGW-DOC-006", a.report.Scheme == p.scheme())
	if !p.doctor.trusts(a.local) {
		p.say("MGW-DOC-007", a.report.RemoteAddr == a.local)
	}
	for _, ask := range []func(context.Context){
		p.askPath, p.askHeaders, p.askForged, p.askLength, p.askErrors, p.askLargeHeader, p.askBodies, p.askContinue, p.askStream, p.askUpgrade,
	} {
		ask(ctx)
	}
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

// askPath sends paths and queries that web servers like to change.
func (p *prober) askPath(ctx context.Context) {
	a := p.ask(ctx, probe.Echo, "/a%2Fb", request{})
	p.say("MGW-DOC-001", a.report != nil && strings.HasSuffix(a.report.Target, "/a%2Fb"))
	if a.report == nil {
		a = p.ask(ctx, probe.Echo, "/a%20b", request{})
	}
	for _, tail := range []string{"/a%20b", "/x/", "/x;y=1", "/%C3%A9"} {
		a = p.ask(ctx, probe.Echo, tail, request{})
		arrived := ""
		if a.report != nil {
			arrived = a.report.Target
		}
		mount := strings.TrimSuffix(p.place.path(), "/") + "/"
		if !strings.HasSuffix(arrived, tail) || !strings.HasPrefix(arrived, mount) {
			p.say("MGW-DOC-012", false, fmt.Sprintf("%q arrives as %q", mount+"…"+tail, shorten(arrived)))
			break
		}
		p.say("MGW-DOC-012", true)
	}
	const query = "a=1&b=%2F&c=d+e;f&g"
	a = p.ask(ctx, probe.Echo, "?"+query, request{})
	p.say("MGW-DOC-011", a.report != nil && a.report.Query == query)
}

// shorten leaves the signature out of a path.
func shorten(path string) string {
	before, rest, found := strings.Cut(path, "modgw-probe-")
	if !found {
		return path
	}
	_, after, _ := strings.Cut(rest, "/")
	return before + "…/" + after
}

// largeHeader is how long the largest header of a request is, in bytes. Some web servers take 8 KiB
// for the whole head by default.
const largeHeader = 7000

// askHeaders sends headers that web servers leave out.
func (p *prober) askHeaders(ctx context.Context) {
	const credentials = "Basic bW9kZ3c6cHJvYmU="
	large := "X-Modgw-Probe: " + strings.Repeat("x", largeHeader)
	a := p.ask(ctx, probe.Echo, "", request{headers: []string{"Authorization: " + credentials}})
	p.say("MGW-DOC-002", a.report != nil && slices.Equal(a.report.Headers["Authorization"], []string{credentials}))
	a = p.ask(ctx, probe.Echo, "", request{headers: []string{"Cookie: a=1; b=2"}})
	p.say("MGW-DOC-014", a.report != nil && strings.Join(a.report.Headers["Cookie"], "; ") == "a=1; b=2")
	a = p.ask(ctx, probe.Echo, "", request{headers: []string{large}})
	p.say("MGW-DOC-010", a.report != nil && len(strings.Join(a.report.Headers["X-Modgw-Probe"], "")) == largeHeader)
}

// askForged sends headers by which a proxy would speak of the client.
func (p *prober) askForged(ctx context.Context) {
	a := p.ask(ctx, probe.Echo, "", request{})
	if a.report == nil || p.doctor.trusts(a.local) {
		return
	}
	other := map[string]string{"http": "https", "https": "http"}[p.scheme()]
	forged := p.ask(ctx, probe.Echo, "", request{headers: []string{
		"X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: " + other, "X-Forwarded-Host: forged.invalid",
		"X-Forwarded-Prefix: /forged", "X-Script-Name: /forged", "Forwarded: for=203.0.113.9;proto=" + other,
	}})
	what := ""
	switch r := forged.report; {
	case r == nil:
		return
	case r.RemoteAddr == "203.0.113.9":
		what = "any address of the client"
	case r.Scheme == other && a.report.Scheme != other:
		what = "that it used TLS"
	case strings.Contains(r.Host, "forged"):
		what = "any host name"
	case r.Prefix != "":
		what = "that the app is mounted elsewhere"
	}
	p.say("MGW-DOC-008", what == "", what)
}

// askLength compares the declared length of responses to GET and HEAD.
func (p *prober) askLength(ctx context.Context) {
	get := p.ask(ctx, probe.Echo, "", request{headers: []string{"Accept-Encoding: identity"}})
	head := p.ask(ctx, probe.Echo, "", request{method: "HEAD", headers: []string{"Accept-Encoding: identity"}})
	if get.own && head.own {
		p.say("MGW-DOC-004", get.header.Get("Content-Length") != "" && head.header.Get("Content-Length") != "")
	}
}

// askErrors lets the host answer with errors.
func (p *prober) askErrors(ctx context.Context) {
	for _, kind := range []probe.Kind{probe.NotFound, probe.Failure} {
		a := p.ask(ctx, kind, "", request{})
		if a.report == nil {
			return
		}
		if !json.Valid(a.body) || !a.own {
			p.say("MGW-DOC-016", false)
			return
		}
	}
	p.say("MGW-DOC-016", true)
}

// askLargeHeader lets the host answer with a large header.
func (p *prober) askLargeHeader(ctx context.Context) {
	a := p.ask(ctx, probe.Headers, "", request{})
	p.say("MGW-DOC-017", a.own && len(a.header.Get("Modgw-Large")) == probe.LargeHeader)
}

// largeBody is how long the body of the largest probe is at most, in bytes: longer than what web
// servers accept by default or keep in memory.
const largeBody = 2 << 20

// askBodies sends bodies with a length and in chunks, and one that breaks off.
func (p *prober) askBodies(ctx context.Context) {
	limit := largeBody
	if most := p.place.app.Limits.Body; most > 0 {
		limit = int(min(int64(limit), most))
	}
	small := strings.Repeat("modgw\r\n\x00\xff", min(100, limit/10))
	large := strings.Repeat("0123456789abcde\n", limit/16)
	fine := true
	requests := []request{{method: "POST", body: small}, {method: "POST", body: small, chunked: true}}
	// HAProxy refuses chunks that do not fit its buffer over FastCGI, which needs the length.
	if p.place.site.server.Kind != HAProxy || p.place.route.protocol != "fastcgi" {
		requests = append(requests, request{method: "PUT", body: large, chunked: true})
	}
	for _, r := range requests {
		a := p.ask(ctx, probe.Echo, "", r)
		if a.status == http.StatusRequestEntityTooLarge && a.report == nil {
			p.say("MGW-DOC-009", false, "an unknown size", bodyLimit(p.place.app))
			return
		}
		digest := sha256.Sum256([]byte(r.body))
		fine = fine && a.report != nil && a.report.Digest == hex.EncodeToString(digest[:])
	}
	a := p.ask(ctx, probe.Echo, "", request{method: "POST", body: large})
	tooLarge := a.status == http.StatusRequestEntityTooLarge
	p.say("MGW-DOC-009", !tooLarge, "an unknown size", bodyLimit(p.place.app))
	if !tooLarge {
		digest := sha256.Sum256([]byte(large))
		fine = fine && a.report != nil && a.report.Digest == hex.EncodeToString(digest[:])
	}
	p.say("MGW-DOC-019", fine && !p.cutArrivesWhole(ctx))
}

// cutArrivesWhole reports whether a body that breaks off is passed on as if it were all.
func (p *prober) cutArrivesWhole(ctx context.Context) bool {
	a := p.ask(ctx, probe.Echo, "", request{method: "POST", body: strings.Repeat("x", 4000), short: 2000})
	return a.report != nil && a.report.Ended && a.report.Body == 2000
}

func (p *prober) askContinue(ctx context.Context) {
	a := p.ask(ctx, probe.Echo, "", request{method: "POST", body: "continued", expect: true})
	p.say("MGW-DOC-020", a.report != nil && a.report.Body == int64(len("continued")))
}

// askStream sees whether the first event of a stream comes before the second is sent.
func (p *prober) askStream(ctx context.Context) {
	token := probe.NewToken(probe.Stream)
	conn, err := p.endpoint.dial(ctx, p.host())
	if err != nil {
		return
	}
	defer conn.close()
	resp, err := conn.send(request{
		method: "GET", host: p.host(), target: strings.TrimSuffix(p.place.path(), "/") + "/" + p.key.Segment(token),
		headers: []string{"Accept: text/event-stream", "Accept-Encoding: identity"},
	})
	if err != nil {
		return
	}
	defer resp.Body.Close()
	if resp.Header.Get("Modgw-Probe") != token.ID {
		return
	}
	var got []byte
	for told, buffer := false, make([]byte, 4096); ; {
		n, err := resp.Body.Read(buffer)
		got = append(got, buffer[:n]...)
		if !told && strings.Contains(string(got), "data: first") {
			told = true
			_ = p.doctor.Host.ContinueProbe(ctx, token.ID) // else the stream ends late, and says so
		}
		if err != nil {
			break
		}
	}
	p.say("MGW-DOC-003", strings.Contains(string(got), "data: heard"))
}

// askUpgrade asks for a WebSocket, if the app may have any.
func (p *prober) askUpgrade(ctx context.Context) {
	if !p.place.app.Upgrades() {
		return
	}
	if web := webserver.Reach(p.doctor.Listeners, "http"); web == "" {
		return // the checks of the configuration say so
	}
	key := base64.StdEncoding.EncodeToString([]byte(time.Now().Format("20060102150405.0")[:16]))
	a := p.ask(ctx, probe.Upgrade, "", request{headers: []string{
		"Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: " + key,
	}})
	p.say("MGW-DOC-005", a.status == http.StatusSwitchingProtocols && a.report != nil)
}

// decided are the codes of which a probe that passed says more than any directive.
var decided = []string{
	"MGW-DOC-001", "MGW-DOC-002", "MGW-DOC-003", "MGW-DOC-004", "MGW-DOC-005", "MGW-DOC-006", "MGW-DOC-007", "MGW-DOC-008",
	"MGW-DOC-013", "MGW-DOC-016", "MGW-DOC-025",
}

// merge joins what the configuration says with what probes have shown. A probe that passed
// outweighs a directive that seems to be missing; one that failed is a finding of its own only
// where the configuration does not explain it.
func merge(found []Finding, verdicts []verdict) []Finding {
	type about struct {
		code string
		app  string
	}
	wrong, fine := map[about]bool{}, map[about]bool{}
	for _, v := range verdicts {
		key := about{v.code, string(v.place.app.Name)}
		if v.wrong != nil {
			wrong[key] = true
		} else {
			fine[key] = true
		}
	}
	kept := slices.DeleteFunc(found, func(f Finding) bool {
		key := about{f.Code, string(f.App)}
		return f.App != "" && slices.Contains(decided, f.Code) && fine[key] && !wrong[key]
	})
	for _, v := range verdicts {
		if v.wrong == nil || explained(kept, *v.wrong) {
			continue
		}
		kept = append(kept, *v.wrong)
	}
	return kept
}

// consequences are codes that explain why a probe failed in another way.
var consequences = map[string][]string{
	"MGW-DOC-033": {"MGW-DOC-036"},
	"MGW-DOC-034": {"MGW-DOC-018", "MGW-DOC-023", "MGW-DOC-025", "MGW-DOC-031", "MGW-DOC-032", "MGW-DOC-035", "MGW-DOC-037", "MGW-DOC-040",
		"MGW-DOC-045", "MGW-DOC-058", "MGW-DOC-060", "MGW-DOC-061", "MGW-DOC-012", "MGW-DOC-028", "MGW-DOC-011"},
	"MGW-DOC-001": {"MGW-DOC-012"},
	"MGW-DOC-012": {"MGW-DOC-023", "MGW-DOC-026"},
	"MGW-DOC-019": {"MGW-DOC-043", "MGW-DOC-009"},
	"MGW-DOC-020": {"MGW-DOC-009"},
	"MGW-DOC-032": {"MGW-DOC-018", "MGW-DOC-023"},
}

// explained reports whether another finding says why a probe failed.
func explained(found []Finding, f Finding) bool {
	return slices.ContainsFunc(found, func(k Finding) bool {
		if k.App != "" && k.App != f.App {
			return false
		}
		return k.Code == f.Code || slices.Contains(consequences[f.Code], k.Code)
	})
}
