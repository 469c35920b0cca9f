package dev

import (
	"net/http"
	"slices"
	"strings"
)

// policyHeaders are the headers with content security policies (CSP Level 3, section 3).
var policyHeaders = []string{"Content-Security-Policy", "Content-Security-Policy-Report-Only"}

// admit changes the content security policies of a response so that they allow the script and its
// connections to this host, and no more. It returns the nonce that the script needs, "" if it needs
// none, or the reason why the script cannot be allowed.
func admit(h http.Header, s script) (nonce, why string) {
	for _, name := range policyHeaders {
		for _, value := range h.Values(name) {
			for policy := range strings.SplitSeq(value, ",") {
				p := parsePolicy(policy)
				if sandbox, ok := p.get("sandbox"); ok && !slices.Contains(sandbox, "allow-scripts") {
					return "", "the page's Content-Security-Policy has sandbox without allow-scripts"
				}
				if n := p.nonce(); n != "" && nonce == "" {
					nonce = n
				}
			}
		}
	}
	for _, name := range policyHeaders {
		values := h.Values(name)
		for i, value := range values {
			policies := strings.Split(value, ",")
			for j := range policies {
				policies[j] = parsePolicy(policies[j]).admitting(s, nonce)
			}
			values[i] = strings.Join(policies, ", ")
		}
	}
	return nonce, ""
}

// policy is a content security policy: its directives in order.
type policy struct{ directives [][]string }

func parsePolicy(text string) *policy {
	p := &policy{}
	for part := range strings.SplitSeq(text, ";") {
		if fields := strings.Fields(part); len(fields) > 0 {
			fields[0] = strings.ToLower(fields[0])
			p.directives = append(p.directives, fields)
		}
	}
	return p
}

func (p *policy) get(name string) (sources []string, ok bool) {
	for _, d := range p.directives {
		if d[0] == name {
			return d[1:], true
		}
	}
	return nil, false
}

// effective returns the first of the directives that the policy contains (CSP Level 3, section
// 6.8.3).
func (p *policy) effective(names ...string) (name string, sources []string, ok bool) {
	for _, name := range names {
		if sources, ok := p.get(name); ok {
			return name, sources, true
		}
	}
	return "", nil, false
}

var scriptDirectives = []string{"script-src-elem", "script-src", "default-src"}

// nonce returns the nonce of the policy's scripts, or "" if there is none.
func (p *policy) nonce() string {
	_, sources, _ := p.effective(scriptDirectives...)
	for _, source := range sources {
		if n, ok := strings.CutPrefix(source, "'nonce-"); ok && !strings.ContainsAny(n, `"<>&`) {
			return strings.TrimSuffix(n, "'")
		}
	}
	return ""
}

// admitting returns the policy after allowing the script.
func (p *policy) admitting(s script, nonce string) string {
	if name, sources, ok := p.effective(scriptDirectives...); ok && !admitsInline(sources, nonce) {
		p.extend(name, "script-src", s.hash())
	}
	if name, sources, ok := p.effective("connect-src", "default-src"); ok && !slices.Contains(sources, "'self'") && !slices.Contains(sources, "*") {
		p.extend(name, "connect-src", "'self'")
	}
	return p.String()
}

// admitsInline reports whether sources already allow the script. A nonce or hash makes browsers
// ignore 'unsafe-inline', so adding one would forbid the page's own scripts.
func admitsInline(sources []string, nonce string) bool {
	if nonce != "" && slices.Contains(sources, "'nonce-"+nonce+"'") {
		return true
	}
	strict := slices.ContainsFunc(sources, func(source string) bool {
		return strings.HasPrefix(source, "'nonce-") || strings.HasPrefix(source, "'sha") || source == "'strict-dynamic'"
	})
	return slices.Contains(sources, "'unsafe-inline'") && !strict
}

// extend adds a source to a directive. If the directive is default-src, it stays unchanged, and the
// source is added to a copy of it with the name special.
func (p *policy) extend(name, special, source string) {
	for i, d := range p.directives {
		if d[0] != name {
			continue
		}
		sources := slices.DeleteFunc(slices.Clone(d[1:]), func(s string) bool { return s == "'none'" })
		sources = append(sources, source)
		if name == "default-src" {
			p.directives = append(p.directives, append([]string{special}, sources...))
		} else {
			p.directives[i] = append([]string{name}, sources...)
		}
		return
	}
}

// String returns the policy in the format of the header.
func (p *policy) String() string {
	parts := make([]string, len(p.directives))
	for i, d := range p.directives {
		parts[i] = strings.Join(d, " ")
	}
	return strings.Join(parts, "; ")
}
