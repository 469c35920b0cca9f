package cgi

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/modgw"
)

// build makes a request from "NAME=value" lines.
func build(t *testing.T, trusted bool, variables ...string) (*http.Request, error) {
	t.Helper()
	var b Builder
	for _, variable := range variables {
		name, value, _ := strings.Cut(variable, "=")
		b.Set(name, value)
	}
	return b.Request(t.Context(), Options{Front: "fcgi", Trusted: trusted, Received: time.Unix(1, 0)})
}

var apacheVariables = []string{
	"REQUEST_METHOD=POST", "SCRIPT_NAME=/blog/a b", "REQUEST_URI=/blog/a%20b?q=1", "QUERY_STRING=q=1", "SERVER_PROTOCOL=HTTP/1.1",
	"HTTP_HOST=blog.example:8080", "HTTP_ACCEPT_ENCODING=gzip", "HTTP_X_CUSTOM_THING=1", "CONTENT_TYPE=text/plain", "CONTENT_LENGTH=5",
	"HTTPS=on", "SERVER_NAME=blog.example", "SERVER_PORT=8080", "SERVER_SOFTWARE=Apache/2.4.71", "REMOTE_ADDR=192.0.2.1", "REMOTE_PORT=1234",
	"REMOTE_USER=ann", "AUTH_TYPE=Basic", "MODGW_APP=blog", "MODGW_MOUNT=/blog", "SSL_CLIENT_S_DN=CN=ann", "UNIQUE_ID=x",
	"PATH=/bin", "LD_LIBRARY_PATH=/lib", "DOCUMENT_ROOT=/srv", "SERVER_SIGNATURE=s", "SERVER_ADMIN=a", "CONTEXT_PREFIX=", "CONTEXT_DOCUMENT_ROOT=/srv",
	"SCRIPT_FILENAME=/etc/passwd", "PATH_TRANSLATED=/etc/passwd", "GATEWAY_INTERFACE=CGI/1.1", "PHP_VALUE=auto_prepend_file=/x", "PHP_ADMIN_VALUE=x",
	"PYTHONPATH=/x", "BASH_ENV=/x", "UWSGI_FILE=/x", "wsgi.url_scheme=gopher",
}

func TestRequestIsComplete(t *testing.T) {
	r, err := build(t, true, apacheVariables...)
	if err != nil {
		t.Fatal(err)
	}
	got := []any{r.Method, r.URL.Path, r.URL.EscapedPath(), r.URL.RawQuery, r.Proto, r.ProtoMajor, r.ProtoMinor, r.ContentLength, r.Host, r.RemoteAddr, r.RequestURI, r.TLS == nil, r.Body == http.NoBody}
	want := []any{"POST", "/blog/a b", "/blog/a%20b", "q=1", "HTTP/1.1", 1, 1, int64(5), "blog.example:8080", "192.0.2.1:1234", "/blog/a%20b?q=1", true, true}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	header := http.Header{"Accept-Encoding": {"gzip"}, "X-Custom-Thing": {"1"}, "Content-Type": {"text/plain"}, "Content-Length": {"5"}}
	if diff := cmp.Diff(header, r.Header); diff != "" {
		t.Error(diff)
	}
	info := &modgw.RequestInfo{
		Front: "fcgi", App: "blog", Path: "/blog/a b", RawTarget: "/blog/a%20b?q=1", Received: time.Unix(1, 0),
		WebScript: "/blog/a b", WebMount: "/blog/a b",
		ServerName: "blog.example", ServerPort: "8080", ServerSoftware: "Apache/2.4.71", Scheme: "https",
		RemoteAddr: "192.0.2.1", RemotePort: "1234", RemoteUser: "ann", AuthType: "Basic",
		Variables: map[string]string{"SSL_CLIENT_S_DN": "CN=ann", "UNIQUE_ID": "x"}, ID: "x", FromFront: true,
	}
	if diff := cmp.Diff(info, modgw.RequestInfoOf(r), cmpopts.IgnoreUnexported(modgw.RequestInfo{})); diff != "" {
		t.Error(diff)
	}
}

func TestAppIsNamedByTrustedPeersAlone(t *testing.T) {
	r, err := build(t, false, apacheVariables...)
	if err != nil || modgw.RequestInfoOf(r).App != "" {
		t.Errorf("App %q, %v", modgw.RequestInfoOf(r).App, err)
	}
}

func TestOddRequests(t *testing.T) {
	for _, c := range []struct {
		name      string
		variables []string
		want      func(r *http.Request) any // true when right
	}{
		{"a header of two lines", []string{"HTTP_A=1", "HTTP_A=2"}, func(r *http.Request) any { return len(r.Header["A"]) == 1 && r.Header.Get("A") == "1, 2" }},
		{"duplicates: last wins", []string{"REMOTE_ADDR=192.0.2.1", "REMOTE_ADDR=192.0.2.2"}, func(r *http.Request) any { return modgw.RequestInfoOf(r).RemoteAddr == "192.0.2.2" }},
		{"server name with a port", []string{"SERVER_NAME=www.example.com:8000"}, func(r *http.Request) any { return modgw.RequestInfoOf(r).ServerName == "www.example.com" }},
		{"server name of IPv6", []string{"SERVER_NAME=[::1]"}, func(r *http.Request) any { return modgw.RequestInfoOf(r).ServerName == "[::1]" }},
		{"server name of IPv6 without brackets", []string{"SERVER_NAME=2001:db8::1"}, func(r *http.Request) any { return modgw.RequestInfoOf(r).ServerName == "[2001:db8::1]" }},
		{"Proxy is dropped", []string{"HTTP_PROXY=http://evil/"}, func(r *http.Request) any { return len(r.Header) == 0 }},
		{"HTTP_CONTENT_* are ignored", []string{"HTTP_CONTENT_LENGTH=7", "HTTP_CONTENT_TYPE=a/b"}, func(r *http.Request) any { return len(r.Header) == 0 && r.ContentLength == -1 }},
		{"HTTP_ alone", []string{"HTTP_=x"}, func(r *http.Request) any { return len(r.Header) == 0 }},
		{"no header name", []string{"HTTP_A B=x"}, func(r *http.Request) any { return len(r.Header) == 0 }},
		{"absolute target names the host", []string{"REQUEST_URI=http://other.example:81/x", "HTTP_HOST=a"}, func(r *http.Request) any { return r.Host == "other.example:81" }},
		{"no Host header", []string{"SERVER_NAME=s", "SERVER_PORT=8080"}, func(r *http.Request) any { return r.Host == "s:8080" }},
		{"HTTP/2.0", []string{"SERVER_PROTOCOL=HTTP/2.0"}, func(r *http.Request) any { return r.ProtoMajor == 2 }},
		{"protocol of an include", []string{"SERVER_PROTOCOL=INCLUDED"}, func(r *http.Request) any { return r.ProtoAtLeast(1, 1) }},
		{"scheme by REQUEST_SCHEME", []string{"REQUEST_SCHEME=https"}, func(r *http.Request) any { return modgw.RequestInfoOf(r).Scheme == "https" }},
		{"HTTPS off", []string{"HTTPS=off", "REQUEST_SCHEME=http"}, func(r *http.Request) any { return modgw.RequestInfoOf(r).Scheme == "http" }},
		{"IPv6 client", []string{"REMOTE_ADDR=2001:db8::1"}, func(r *http.Request) any { return r.RemoteAddr == "[2001:db8::1]:0" }},
		{"query of the server wins", []string{"REQUEST_URI=/x?a=1", "QUERY_STRING=a=1&b=2"}, func(r *http.Request) any { return r.URL.RawQuery == "a=1&b=2" && r.RequestURI == "/x?a=1" }},
		{"no query variable", []string{"REQUEST_URI=/x?a=1"}, func(r *http.Request) any { return r.URL.RawQuery == "a=1" }},
		{"cookies of two headers", []string{"HTTP_COOKIE=a=1", "HTTP_COOKIE=b=2"}, func(r *http.Request) any { return r.Header.Get("Cookie") == "a=1; b=2" }},
		{"Connection does not take headers away", []string{"HTTP_CONNECTION=X-Forwarded-For", "HTTP_X_FORWARDED_FOR=1.2.3.4"}, func(r *http.Request) any { return r.Header.Get("X-Forwarded-For") != "" }},
		{"Redirect-Status header is no REDIRECT_STATUS", []string{"HTTP_REDIRECT_STATUS=200"}, func(r *http.Request) any { return modgw.RequestInfoOf(r).Variables == nil }},
	} {
		r, err := build(t, true, append([]string{"REQUEST_METHOD=GET", "SCRIPT_NAME=/x"}, c.variables...)...)
		if err != nil || c.want(r) != true {
			t.Errorf("%s: %+v, %v", c.name, r, err)
		}
	}
}

func TestBadVariablesAreNamed(t *testing.T) {
	for _, bad := range []string{
		"REQUEST_METHOD=", "REQUEST_METHOD=GET /x HTTP/1.1\r\n", "CONTENT_LENGTH=-1", "CONTENT_LENGTH=99999999999999999999", "HTTP_HOST=a b", "HTTP_HOST=a/b",
		"HTTP_A=x\r\ny", "HTTP_A=\x7f", "CONTENT_TYPE=a\nb", "X=\x00", "SCRIPT_NAME=x", "REQUEST_URI=http://user@evil/x",
	} {
		name, _, _ := strings.Cut(bad, "=")
		if name == "REQUEST_URI" {
			name = "HTTP_HOST"
		}
		_, err := build(t, true, "REQUEST_METHOD=GET", "SCRIPT_NAME=/x", bad)
		f, ok := errors.AsType[*modgw.Fault](err)
		if !ok || !faulttest.Has(f.Error(), "MGW-REQ-001") || !strings.Contains(f.Summary, name) && name != "X" {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestCookiesAreRepaired(t *testing.T) {
	for joined, want := range map[string]string{
		"a=1":                     "a=1",
		"a=1; b=2":                "a=1; b=2",
		"a=1, b=2":                "a=1; b=2",
		"a=1; b=2, c=3; d=4, e=5": "a=1; b=2; c=3; d=4; e=5",
		"a=1,b=2":                 "a=1,b=2",            // no server joins so
		"a=x, y":                  "a=x, y",             // no name follows
		"a=x, y z=1":              "a=x, y z=1",         // a name has no spaces
		`a="x, b=1"; c=2`:         `a="x, b=1"; c=2`,    // the quote is open
		`a="x", b=1`:              `a="x"; b=1`,         //
		"a, b=1":                  "a, b=1",             // the piece before is no cookie
		"a=, b=1":                 "a=; b=1",            // an empty value is finished
		"t=Thu, 01 Jan 1970":      "t=Thu, 01 Jan 1970", //
		"a=1, =2":                 "a=1, =2",            //
		"a=1, ":                   "a=1, ",              //
		"s=eyJ=, t=b64==":         "s=eyJ=; t=b64==",    //
		`j={"a": 1, "b": 2}`:      `j={"a": 1, "b": 2}`, //
		"":                        "",
	} {
		if got := RepairCookies(joined); got != want {
			t.Errorf("RepairCookies(%q) = %q, want %q", joined, got, want)
		}
	}
}

func FuzzVariables(f *testing.F) {
	f.Add("HTTP_COOKIE", "a=1, b=2", "REQUEST_URI", "/x?y")
	f.Add("CONTENT_LENGTH", "12", "HTTP_X_\xff", "\t")
	f.Fuzz(func(t *testing.T, name1, value1, name2, value2 string) {
		r, err := build(t, true, "REQUEST_METHOD=GET", "SCRIPT_NAME=/x", name1+"="+value1, name2+"="+value2)
		if err != nil {
			if _, ok := errors.AsType[*modgw.Fault](err); !ok {
				t.Fatalf("not a fault: %v", err)
			}
			return
		}
		for name, values := range r.Header {
			if len(values) != 1 || invalidValueByte(values[0]) >= 0 || name == "Proxy" || name == "Host" {
				t.Fatalf("header %q: %q", name, values)
			}
		}
		if !strings.HasPrefix(r.URL.Path, "/") || !printable(r.RequestURI) || !printable(r.URL.RequestURI()) {
			t.Fatalf("URL %+v, target %q", r.URL, r.RequestURI)
		}
	})
}

func BenchmarkRequest(b *testing.B) {
	for b.Loop() {
		var builder Builder
		for _, variable := range apacheVariables {
			name, value, _ := strings.Cut(variable, "=")
			builder.Set(name, value)
		}
		if _, err := builder.Request(b.Context(), Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

func TestVariablesBeyondTheLimits(t *testing.T) {
	fill := func(b *Builder, n int) {
		for i := range n {
			b.Set(fmt.Sprint("V", i), "x")
		}
	}
	for name, c := range map[string]struct {
		set  func(*Builder)
		want error
	}{
		"longest name":  {func(b *Builder) { b.Set(strings.Repeat("N", 256), "x") }, nil},
		"name":          {func(b *Builder) { b.Set(strings.Repeat("N", 257), "x") }, ErrLimit},
		"longest value": {func(b *Builder) { b.Set("A", strings.Repeat("v", 64<<10)) }, nil},
		"value":         {func(b *Builder) { b.Set("A", strings.Repeat("v", 64<<10+1)) }, ErrLimit},
		"most":          {func(b *Builder) { fill(b, 4095) }, nil},
		"too many":      {func(b *Builder) { fill(b, 4096) }, ErrLimit},
		"used again":    {func(b *Builder) { fill(b, 5000); b.Reuse(); b.Set("REQUEST_METHOD", "GET") }, nil},
	} {
		var b Builder
		b.Set("REQUEST_METHOD", "GET")
		c.set(&b)
		if _, err := b.Request(t.Context(), Options{}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if CheckTotal(MaxVariables) != nil || !errors.Is(CheckTotal(MaxVariables+1), ErrLimit) {
		t.Error("the total is not bounded")
	}
}
