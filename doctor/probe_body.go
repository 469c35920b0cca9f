package doctor

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/modgw/modgw/modgw/probe"
)

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

// largeBody is the size of the largest probe's body, in bytes. It exceeds the size that web servers
// accept by default or keep in memory.
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
