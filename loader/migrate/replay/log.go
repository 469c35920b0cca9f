package replay

import (
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"

	"github.com/modgw/modgw/internal/lazyregexp"
)

// logLine is a line of an access log in the format common, combined, vhost_common or
// vhost_combined, as Apache, nginx and other servers write it. Further fields may follow.
var logLine = lazyregexp.New(
	`^(?:(\S+) )?\S+ \S+ .*?\[[^\]]+\] "((?:[^"\\]|\\.)*)" \d{3} `)

// ReadLog adds the requests of an access log. Lines in another format are skipped. name is the name
// of the file.
func (rs *Requests) ReadLog(r io.Reader, name string) error {
	return eachLine(r, func(number int, line string) {
		request, ok := parseLine(line)
		if !ok {
			rs.Skipped++
			return
		}
		request.From = fmt.Sprintf("%s:%d", name, number)
		rs.Add(request)
	})
}

// parseLine reads a line of an access log.
func parseLine(line string) (r Request, ok bool) {
	found := logLine.FindStringSubmatch(line + " ")
	if found == nil {
		return r, false
	}
	words := strings.Split(unescape(found[2]), " ")
	if len(words) != 3 || !strings.HasPrefix(words[2], "HTTP/") {
		return r, false // a client that has sent something else
	}
	r.Method, r.Target = words[0], words[1]
	if isHost(found[1]) && hasHostField(line) {
		_, port, _ := strings.Cut(found[1], ":")
		r.Host, r.Secure = withoutPort(found[1]), port == "443"
	}
	// through a proxy
	if u, err := url.Parse(r.Target); err == nil && u.Scheme != "" && u.Host != "" {
		r.address(u)
	}
	return r, true
}

// address sets the fields from a whole URL.
func (r *Request) address(u *url.URL) {
	r.Host, r.Target, r.Secure = u.Host, u.RequestURI(), u.Scheme == "https"
}

// hasHostField reports whether a line begins with the virtual host, before the client, the
// identity, which is always "-", and the user.
func hasHostField(line string) bool {
	fields := strings.Fields(line)
	return len(fields) > 3 && fields[1] != "-" && fields[2] == "-"
}

func isHost(text string) bool {
	return text != "" && text != "-" && !strings.ContainsAny(text, `/@"\`)
}

// withoutPort removes the port that vhost_combined writes after each name: it is the old server's.
func withoutPort(host string) string {
	name, port, ok := strings.Cut(host, ":")
	if _, err := strconv.ParseUint(port, 10, 16); !ok || err != nil {
		return host
	}
	return name
}

// unescape reads \" and \xhh, as Apache and nginx write them.
func unescape(text string) string {
	if !strings.Contains(text, `\`) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' || i+1 == len(text) {
			b.WriteByte(text[i])
			continue
		}
		i++
		if text[i] == 'x' && i+2 < len(text) {
			if code, err := strconv.ParseUint(text[i+1:i+3], 16, 8); err == nil {
				b.WriteByte(byte(code))
				i += 2
				continue
			}
		}
		if escape := strings.IndexByte("tnr", text[i]); escape >= 0 {
			b.WriteByte("\t\n\r"[escape])
			continue
		}
		b.WriteByte(text[i])
	}
	return b.String()
}
