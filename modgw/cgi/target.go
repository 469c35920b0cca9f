package cgi

import (
	"strings"
)

// Target is where a request goes.
type Target struct {
	Path string // decoded, as the web server authorised it; begins with "/"
	// origin-form with query: as the client sent it if it leads to Path, else Path encoded again
	Raw string
}

// target applies the path rule. The split into SCRIPT_NAME and PATH_INFO depends on the server and
// its settings, and SCRIPT_FILENAME and PATH_TRANSLATED name files that do not exist here. But the
// two parts together are always the decoded path against which the server checked its access rules.
// REQUEST_URI is the path as the client sent it. It is used if it decodes to the same path, because
// it alone preserves how characters were encoded. It is not used otherwise: then the server has
// rewritten or normalised the path and has authorised only the result (CVE-2019-11043 and others
// like it).
func (b *Builder) target() (Target, error) {
	path := b.scriptName + b.pathInfo
	if path == "" && !b.hasScriptName {
		path = b.documentURI
	}
	rawPath, rawQuery := splitTarget(b.requestURI)
	if path == "" && !b.hasScriptName {
		path, _ = unescape(rawPath, false)
	}
	switch {
	case b.requestURI == "*":
		return Target{Path: "/", Raw: "*"}, nil
	case path == "":
		path = "/"
	case path[0] != '/':
		return Target{}, badVariable("SCRIPT_NAME", "the path does not begin with a slash")
	}
	if leadsTo(rawPath, path) && printable(rawPath) && printable(rawQuery) {
		return Target{Path: path, Raw: rawPath + rawQuery}, nil
	}
	raw := EscapePath(path)
	if b.query != "" {
		raw += "?" + escapeQuery(b.query)
	}
	return Target{Path: path, Raw: raw}, nil
}

// webScript returns the beginning of the path that the web server considers its script.
func (b *Builder) webScript(target Target) string {
	if !strings.HasPrefix(target.Path, b.scriptName) {
		return ""
	}
	return b.scriptName
}

// webMount returns the part of webScript that clients see. A server that rewrites /x to /app.fcgi/x
// sends SCRIPT_NAME=/app.fcgi and PATH_INFO=/x, and REQUEST_URI=/x shows that the client sees no
// script. Without a rewrite the script's name is part of the mount, regardless of how the client
// wrote the path: neither its dots nor its extra slashes are.
func (b *Builder) webMount(target Target) string {
	script := b.webScript(target)
	rawPath, _ := splitTarget(b.requestURI)
	if leadsTo(rawPath, target.Path) || !strings.HasPrefix(rawPath, "/") || !strings.HasPrefix(b.pathInfo, "/") {
		return script
	}
	for _, keepSlash := range []bool{true, false} {
		decoded, ok := unescape(rawPath, keepSlash)
		if before, cut := strings.CutSuffix(RemoveDots(mergeSlashes(decoded)), b.pathInfo); ok && cut {
			return before
		}
	}
	return script
}

// splitTarget takes scheme and host off a request target in absolute form, and cuts it before the
// "?".
func splitTarget(target string) (path, query string) {
	if i := strings.IndexByte(target, '?'); i >= 0 {
		target, query = target[:i], target[i:]
	}
	if strings.HasPrefix(target, "/") {
		return target, query
	}
	_, rest, ok := strings.Cut(target, "://")
	if !ok {
		return target, query
	}
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		return rest[i:], query
	}
	return "/", query
}

// authority is the host of a request target in absolute form, "" otherwise.
func authority(target string) string {
	if strings.HasPrefix(target, "/") {
		return ""
	}
	_, rest, ok := strings.Cut(target, "://")
	if !ok {
		return ""
	}
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		rest = rest[:i]
	}
	return rest
}

// leadsTo reports whether a server makes path of the encoded rawPath. Whether it decodes %2F and
// merges slashes is a matter of its settings, so both ways are tried.
func leadsTo(rawPath, path string) bool {
	if !strings.HasPrefix(rawPath, "/") {
		return false
	}
	if rawPath == path && strings.IndexByte(path, '%') < 0 && !strings.Contains(path, "/.") {
		return true // nearly every request
	}
	merged := mergeSlashes(path)
	for _, keepSlash := range []bool{true, false} {
		decoded, ok := unescape(rawPath, keepSlash)
		if ok && RemoveDots(mergeSlashes(decoded)) == merged {
			return true
		}
	}
	return false
}

// unescape decodes percent-encoding once; with keepSlash it leaves %2F alone, as Apache's
// AllowEncodedSlashes NoDecode.
func unescape(s string, keepSlash bool) (decoded string, ok bool) {
	if strings.IndexByte(s, '%') < 0 {
		return s, true
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b = append(b, s[i])
			continue
		}
		if i+2 >= len(s) || unhex(s[i+1]) < 0 || unhex(s[i+2]) < 0 {
			return "", false
		}
		c := byte(unhex(s[i+1])<<4 | unhex(s[i+2]))
		if c == '/' && keepSlash {
			b = append(b, s[i:i+3]...)
		} else {
			b = append(b, c)
		}
		i += 2
	}
	return string(b), true
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

func mergeSlashes(s string) string {
	if !strings.Contains(s, "//") {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := range len(s) {
		if s[i] != '/' || i == 0 || s[i-1] != '/' {
			b = append(b, s[i])
		}
	}
	return string(b)
}

// RemoveDots resolves "." and ".." segments of a path that begins with a slash (RFC 3986 section
// 5.2.4).
func RemoveDots(s string) string {
	if !strings.Contains(s, "/.") {
		return s
	}
	var kept []string
	segments := strings.Split(s[1:], "/")
	for i, segment := range segments {
		last := i == len(segments)-1
		switch segment {
		case ".", "..":
			if segment == ".." && len(kept) > 0 {
				kept = kept[:len(kept)-1]
			}
			if last {
				kept = append(kept, "")
			}
		default:
			kept = append(kept, segment)
		}
	}
	return "/" + strings.Join(kept, "/")
}

// EscapePath percent-encodes every byte of a decoded path that is not allowed in the path of a
// request target.
func EscapePath(path string) string {
	return escape(path, "-._~!$&'()*+,;=:@/")
}

// escapeQuery encodes only bytes that would break a request line: servers pass a query on
// unchanged.
func escapeQuery(query string) string {
	if printable(query) {
		return query
	}
	var b strings.Builder
	for i := range len(query) {
		if c := query[i]; c <= ' ' || c == 0x7f {
			b.Write([]byte{'%', upperHex[c>>4], upperHex[c&15]})
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

const upperHex = "0123456789ABCDEF"

func escape(s, alsoPlain string) string {
	plain := func(c byte) bool {
		return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte(alsoPlain, c) >= 0
	}
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; plain(c) {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', upperHex[c>>4], upperHex[c&15]})
		}
	}
	return b.String()
}

// printable reports whether s has neither spaces nor control characters.
func printable(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] == 0x7f {
			return false
		}
	}
	return true
}
