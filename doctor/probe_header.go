package doctor

import (
	"context"
	"slices"
	"strings"

	"github.com/modgw/modgw/modgw/probe"
)

// largeHeader is the size of the largest header field, in bytes. By default some web servers accept
// 8 KiB for the whole head.
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

// askLargeHeader lets the host answer with a large header.
func (p *prober) askLargeHeader(ctx context.Context) {
	a := p.ask(ctx, probe.Headers, "", request{})
	p.say("MGW-DOC-017", a.own && len(a.header.Get("Modgw-Large")) == probe.LargeHeader)
}
