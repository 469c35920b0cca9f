package replay

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func shownRequests(rs Requests) (all []string) {
	for _, r := range rs.List {
		all = append(all, r.String()+" "+r.From+" "+strings.Repeat("x", r.Count))
	}
	return all
}

func TestAccessLogsOfAllFormatsAreRead(t *testing.T) {
	t.Parallel()
	const log = `10.0.0.1 - - [10/Oct/2026:13:55:36 +0000] "GET /common HTTP/1.1" 200 2326
10.0.0.1 - - [10/Oct/2026:13:55:36 +0000] "GET /common HTTP/1.0" 200 2326
10.0.0.1 - a user [10/Oct/2026:13:55:36 +0000] "HEAD /combined?q=%22 HTTP/1.1" 200 - "-" "Agent \"x\""
WWW.example.com:80 10.0.0.2 - - [10/Oct/2026:13:55:36 +0000] "GET /vhost HTTP/1.1" 200 12 "-" "x"
www.example.com:443 10.0.0.1 - - [10/Oct/2026:13:55:36 +0000] "GET /vhost HTTP/1.1" 200 12 "-" "x"
shop.example.com 10.0.0.1 - - [10/Oct/2026:13:55:36 +0000] "OPTIONS * HTTP/1.1" 200 12
10.0.0.1 - - [10/Oct/2026:13:55:36 +0000] "GET /caf\xc3\xa9\"x\"  HTTP/1.1" 200 1
10.0.0.1 - - [10/Oct/2026:13:55:36 +0000] "GET /caf\xc3\xa9\"x\" HTTP/1.1" 200 1
10.0.0.1 - - [10/Oct/2026:13:55:36 +0000] "GET http://www.example.com/proxied HTTP/1.1" 200 1
10.0.0.1 - - [10/Oct/2026:13:55:36 +0000] "POST /form HTTP/1.1" 200 1
10.0.0.1 - - [10/Oct/2026:13:55:36 +0000] "\x16\x03\x01" 400 1
10.0.0.1 - - [10/Oct/2026:13:55:36 +0000] "-" 408 -
broken
`
	var rs Requests
	if err := rs.Read(strings.NewReader(log), "log"); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"GET /common log:1 xx", "HEAD /combined?q=%22 log:3 x", "GET www.example.com/vhost log:4 x",
		"GET https://www.example.com/vhost log:5 x", "OPTIONS shop.example.com* log:6 x",
		"GET /café\"x\" log:8 x", "GET www.example.com/proxied log:9 x",
	}
	if d := cmp.Diff(want, shownRequests(rs)); d != "" {
		t.Error(d)
	}
	if rs.Skipped != 4 || rs.Unsafe != 1 {
		t.Errorf("skipped %d, unsafe %d", rs.Skipped, rs.Unsafe)
	}
}

func TestListIsRead(t *testing.T) {
	t.Parallel()
	const list = "# pages\n\n/a?b\nHEAD /a\nhttps://www.example.com:8443/c%2Fd?e\nDELETE /a\nno path\nGET /with space\n"
	var rs Requests
	if err := rs.Read(strings.NewReader(list), "list"); err != nil {
		t.Fatal(err)
	}
	want := []string{"GET /a?b list:3 x", "HEAD /a list:4 x", "GET https://www.example.com:8443/c%2Fd?e list:5 x"}
	if d := cmp.Diff(want, shownRequests(rs)); d != "" {
		t.Error(d)
	}
}

func TestLinksAreFollowedOnTheSameHostOnly(t *testing.T) {
	t.Parallel()
	pages := map[string]string{
		"/":   `<a href="a#top">a</a> <a href="/logout">bye</a> <img src='//other.example.com/x.png'> <a href="mailto:x">`,
		"/a":  `<link href="/static/style.css?v=1&amp;w=2"> <a href="http://www.example.com/b">b</a><a href="/a">self</a>`,
		"/b":  "",
		"/b/": `<script src="../c"></script>`,
	}
	server := serverOf(t, pageOf(pages))
	var rs Requests
	crawl := Crawl{Plain: server, Hosts: []string{"www.example.com"}, Most: 100}
	if err := crawl.Run(t.Context(), &rs); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range rs.List {
		got = append(got, r.Target)
	}
	want := []string{"/", "/a", "/static/style.css?v=1&w=2", "/b", "/b/", "/c"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	var few Requests
	crawl.Most = 2
	if err := crawl.Run(t.Context(), &few); err != nil || len(few.List) != 2 {
		t.Errorf("%d requests, %v", len(few.List), err)
	}
}

func pageOf(pages map[string]string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		page, ok := pages[r.URL.Path]
		switch {
		case !ok:
			http.NotFound(w, r)
		case page == "":
			http.Redirect(w, r, r.URL.Path+"/", http.StatusMovedPermanently)
		default:
			w.Header().Set("Content-Type", "text/html")
			io.WriteString(w, page)
		}
	}
}
