package tests

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the table of differences in docs/fronts.md")

// difference is a difference from mod_wsgi that a web server or its protocol forces, or that the
// host makes on every front.
type difference struct {
	doors string   // the doors that it holds for: a pattern of path.Match, several separated by ";"
	rows  []string // nil: all
	name  string   // name of the outcome
	// its value; "": it is missing; "…": it is any value that describes the client
	value string
	why   string
}

// covers reports whether a difference matches the one that was found.
func (x difference) covers(door, row, name string, got outcome) bool {
	return x.name == name && (x.value == "…" || got[name] == x.value) && (x.rows == nil || slices.Contains(x.rows, row)) &&
		slices.ContainsFunc(strings.Split(x.doors, ";"), func(pattern string) bool {
			ok, err := path.Match(pattern, door)
			return ok && err == nil
		})
}

const (
	every     = "*"
	lighttpd  = "lighttpd, *"
	lightCGI  = "lighttpd, FastCGI;lighttpd, uwsgi;lighttpd, scgi;lighttpd, bin-path"
	nginxCGI  = "nginx, FastCGI;nginx, uwsgi;nginx, scgi;nginx, spawn-fcgi"
	haproxy   = "HAProxy, FastCGI"
	httpDoors = "Apache, HTTP;nginx, HTTP;lighttpd, HTTP"
)

// differences are all there may be.
var differences = []difference{
	{every, []string{"absolute form"}, "REQUEST_URI", "/x?y", "the host is in `HTTP_HOST`; no app expects it in the path"},
	{every, []string{"cookies twice"}, "HTTP_COOKIE", "a=1; b=2; c=3", "mod_wsgi leaves them joined by a comma, which cookie parsers read as a part of the value"},
	{every, []string{"Expect"}, "HTTP_EXPECT", "", "it was answered before the app gets the request"},
	{every, []string{"chunked body", "long chunked body"}, "HTTP_TRANSFER_ENCODING", "", "the app reads the body without the chunks"},
	{every, []string{"chunked body"}, "CONTENT_LENGTH", "11", "the host knows how long a small body is; mod_wsgi apps must read to its end without knowing"},

	{"*, FastCGI;*, uwsgi;*, scgi;*, bin-path;*, mod_fcgid", nil, "CONTENT_LENGTH", "0", "SCGI, lighttpd, HAProxy and mod_fcgid cannot express that a request has no body"},
	{"lighttpd, HTTP", []string{"DELETE", "OPTIONS"}, "CONTENT_LENGTH", "0", "lighttpd sends it for requests without a body"},
	{"nginx, uwsgi;nginx, scgi;Apache, mod_fcgid;" + lighttpd, []string{"long chunked body"}, "CONTENT_LENGTH", "200000", "the server buffers the body first"},
	{"Apache, uwsgi;Apache, scgi", []string{"chunked body", "long chunked body"}, "status", "411", "Apache's modules for uwsgi and SCGI accept no chunked body"},
	{haproxy, []string{"long chunked body"}, "status", "400", "HAProxy passes no long body without a length over FastCGI"},

	{"direct;nginx, *;lighttpd, *;" + haproxy, []string{"encoded slash"}, "PATH_INFO", "/a/b", "only Apache, with `AllowEncodedSlashes NoDecode`, distinguishes an encoded slash from another; `REQUEST_URI` contains it"},
	{"direct;nginx, HTTP;" + haproxy, []string{"double slash"}, "PATH_INFO", "/a//b/", "only web servers that authorise paths merge slashes"},
	{"direct;nginx, HTTP;" + haproxy, []string{"double slash at the beginning"}, "PATH_INFO", "//a", "only web servers that authorise paths merge slashes"},
	{haproxy, []string{"dots"}, "PATH_INFO", "/a/./b/../c", "HAProxy authorises the path unchanged; `http-request normalize-uri` makes it normalise the path"},
	{haproxy, []string{"encoded dots"}, "PATH_INFO", "/a/../c", "HAProxy authorises the path unchanged; `http-request normalize-uri` makes it normalise the path"},
	{haproxy, []string{"encoded dots"}, "REQUEST_URI", "/a/../c", "HAProxy sends the path without its encoding"},
	{haproxy, []string{"out of a mount"}, "SCRIPT_NAME", "/app", "to HAProxy it is the app at /app"},
	{haproxy, []string{"out of a mount"}, "PATH_INFO", "/../x", "to HAProxy it is the app at /app"},

	{"Apache, HTTP", []string{"encoded characters"}, "REQUEST_URI", "/a%20b%22%25;%3F%23;v=1+2", "as an HTTP proxy Apache sends the path that it has authorised, encoded again"},
	{"Apache, HTTP", []string{"encoded slash"}, "REQUEST_URI", "/a%252Fb", "Apache encodes it twice, so that no server reads it as a slash"},
	{"lighttpd, HTTP", []string{"encoded slash"}, "REQUEST_URI", "/a/b", "lighttpd, too, sends the path that it has authorised"},
	{"Apache, HTTP;lighttpd, HTTP", []string{"double slash"}, "REQUEST_URI", "/a/b/", "both send the path that they have authorised"},
	{"Apache, HTTP;lighttpd, HTTP", []string{"double slash at the beginning"}, "REQUEST_URI", "/a", "both send the path that they have authorised"},
	{"Apache, HTTP;lighttpd, HTTP", []string{"dots"}, "REQUEST_URI", "/a/c", "both send the path that they have authorised"},
	{"Apache, HTTP;lighttpd, HTTP", []string{"encoded dots"}, "REQUEST_URI", "/c", "both send the path that they have authorised"},
	{"Apache, HTTP;lighttpd, HTTP", []string{"encoded mount"}, "REQUEST_URI", "/app/x", "both send the path that they have authorised"},
	{"Apache, HTTP;lighttpd, HTTP", []string{"out of a mount"}, "REQUEST_URI", "/x", "both send the path that they have authorised"},

	{"direct;nginx, *;" + lighttpd, []string{"NUL in the path"}, "status", "400", "refused everywhere; Apache answers 404"},
	{haproxy, []string{"NUL in the path", "bad encoding", "line feed in the path"}, "status", "500", "HAProxy cannot convert it to a FastCGI request"},
	{lighttpd, []string{"line feed in the path", "no UTF-8"}, "status", "400", "lighttpd accepts no such path"},
	{lighttpd, []string{"bad encoding"}, "status", "200", "lighttpd encodes the percent sign itself"},
	{"direct;" + haproxy + ";" + lighttpd, []string{"dots above all"}, "status", "200", "it means the root (RFC 3986, section 5.2.4); Apache and nginx refuse it"},
	{lighttpd, []string{"a method of one's own"}, "status", "501", "lighttpd knows only registered methods"},
	{lighttpd, []string{"many headers"}, "status", "431", "`server.max-request-field-size` is 8 KiB for all headers, unless the main configuration sets more"},

	{lightCGI, []string{"header with _"}, "HTTP_X_UNDER", "1", "lighttpd passes such names on; over HTTP the host drops them"},
	{"Apache, HTTP", []string{"Connection names a header"}, "HTTP_X_HOP", "", "an HTTP proxy must remove such a header"},
	{httpDoors, nil, "HTTP_X_FORWARDED_FOR", "…", "over HTTP these headers replace variables of other protocols"},
	{httpDoors, nil, "HTTP_X_FORWARDED_PROTO", "…", "over HTTP these headers replace variables of other protocols"},
	{httpDoors, nil, "HTTP_X_FORWARDED_HOST", "…", "over HTTP these headers replace variables of other protocols"},
	{"Apache, HTTP;nginx, HTTP", nil, "HTTP_X_FORWARDED_PORT", "…", "over HTTP these headers replace variables of other protocols"},
	{"lighttpd, HTTP", nil, "HTTP_X_HOST", "…", "lighttpd's own header"},
	{every, []string{"lies of the client"}, "HTTP_X_FORWARDED_FOR", "", "only `trusted_proxies` may name the client"},
	{every, []string{"lies of the client"}, "HTTP_X_FORWARDED_PROTO", "", "only `trusted_proxies` may name the client"},
	{every, []string{"lies of the client"}, "HTTP_X_REAL_IP", "", "only `trusted_proxies` may name the client"},
	{haproxy, []string{"Authorization"}, "AUTH_TYPE", "Bearer", "HAProxy reports how the client wants to log in, not how it did"},

	{"Apache, FastCGI*;Apache, scgi;Apache, mod_*", []string{"repeated response headers"}, "header Www-Authenticate", `Basic realm="a", Bearer realm="b"`, "Apache joins all headers of one name except `Set-Cookie`; over HTTP it keeps them separate"},
	{"Apache, HTTP", []string{"conditional"}, "status", "206", "Apache cuts ranges out of a whole response itself"},
	{haproxy, []string{"304"}, "header Content-Length", "0", "HAProxy adds it"},
}

// TestTheManualTellsAllDifferences compares the table in docs/fronts.md with the list.
func TestTheManualTellsAllDifferences(t *testing.T) {
	t.Parallel()
	const file, begin, end = "../docs/fronts.md", "<!-- differences -->\n", "<!-- end of differences -->\n"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no table of differences", file)
	}
	want := []byte(before + begin + differencesTable() + end + after)
	if *update {
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(text, want) {
		t.Errorf("%s does not tell the differences that are on the list: go test ./tests -run Manual -update", file)
	}
}

func differencesTable() string {
	var b strings.Builder
	b.WriteString("| request | behind | difference | reason |\n|---|---|---|---|\n")
	for _, x := range differences {
		rows := "any"
		if x.rows != nil {
			rows = strings.Join(x.rows, "; ")
		}
		doors := strings.NewReplacer(";", "; ", ", *", "").Replace(x.doors)
		if x.doors == every {
			doors = "all"
		}
		doors = strings.ReplaceAll(doors, "*, ", "any, ")
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", rows, doors, x.says(), x.why)
	}
	return b.String()
}

func (x difference) says() string {
	name := "`" + strings.TrimPrefix(x.name, "header ") + "`"
	switch {
	case x.name == "status":
		return "status " + x.value
	case x.value == "":
		return name + " is missing"
	case x.value == "…":
		return name + " is added"
	}
	return name + " is `" + x.value + "`"
}
