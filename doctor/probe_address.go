package doctor

import (
	"context"
	"fmt"
	"strings"

	"github.com/modgw/modgw/modgw/probe"
)

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
