package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/modgw/modgw/internal/faulttest"
)

// verify runs migrate --verify in the test's process, with a site that has an Alias.
func verify(t *testing.T, old, new http.HandlerFunc, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	dir := t.TempDir()
	conf := filepath.Join(dir, "site.conf")
	const site = "<VirtualHost *:80>\nServerName www.example.com\nWSGIScriptAlias / /srv/x/x.wsgi\n" +
		"Header set X-Frame-Options DENY\nAlias /static /srv/x/static\n</VirtualHost>\n"
	if err := os.WriteFile(conf, []byte(site), 0o644); err != nil {
		t.Fatal(err)
	}
	all := []string{"migrate", "--verify", "--out", filepath.Join(dir, "new")}
	for flag, handler := range map[string]http.HandlerFunc{"--old": old, "--new": new} {
		server := httptest.NewServer(handler)
		t.Cleanup(server.Close)
		all = append(all, flag, server.URL)
	}
	return runVerify(t, append(append(all, args...), conf))
}

func runVerify(t *testing.T, args []string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), args, console{stdin: os.Stdin, stdout: &out, stderr: &errs})
	return code, out.String(), errs.String()
}

// pages returns a site whose start page links to a file, and contains a number that is different
// each time.
func pages(file int, header string) http.HandlerFunc {
	var count atomic.Int64
	return func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Host != "www.example.com":
			w.WriteHeader(http.StatusMisdirectedRequest)
		case r.URL.Path == "/static/a.css":
			w.WriteHeader(file)
		default:
			w.Header().Set("Content-Type", "text/html")
			if header != "" {
				w.Header().Set("X-Frame-Options", header)
			}
			fmt.Fprintf(w, `<a href="/static/a.css">%d</a> <a href="/logout">bye</a>`, count.Add(1))
		}
	}
}

func TestVerifyFollowsLinksAndFindsAlikeServersAlike(t *testing.T) {
	t.Parallel()
	code, stdout, stderr := verify(t, pages(200, "DENY"), pages(200, "DENY"))
	if code != 0 || stdout != "2 alike, 0 different, 0 not answered by the old server\n" {
		t.Errorf("exit %d\n%s\n%s", code, stdout, stderr)
	}
	if !strings.Contains(stderr, "comparing 2 requests") {
		t.Errorf("no progress is shown:\n%s", stderr)
	}
}

func TestVerifyNamesWhatDiffersAndTheLineThatCausesIt(t *testing.T) {
	t.Parallel()
	code, stdout, stderr := verify(t, pages(200, "DENY"), pages(404, ""))
	for _, want := range []string{
		"GET www.example.com/static/a.css  (link on www.example.com/)\n  status 200 became 404\n",
		"site.conf:5: Alias: ", "  header X-Frame-Options: \"DENY\" became nothing\n", "site.conf:4: Header: ",
		"0 alike, 2 different",
	} {
		if code != 1 || !strings.Contains(stdout, want) {
			t.Errorf("exit %d, want %q in\n%s\n%s", code, want, stdout, stderr)
		}
	}
}

func TestVerifyReplaysAFileAndPrintsJSON(t *testing.T) {
	t.Parallel()
	list := filepath.Join(t.TempDir(), "list")
	if err := os.WriteFile(list, []byte("/static/a.css\nPOST /form\n/x\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := verify(t, pages(200, ""), pages(500, ""), "--requests", list, "--json")
	var o outcome
	if err := json.Unmarshal([]byte(stdout), &o); err != nil {
		t.Fatalf("%v\n%s\n%s", err, stdout, stderr)
	}
	if code != 1 || o.Alike != 1 || o.Different != 1 || len(o.Results) != 1 {
		t.Fatalf("exit %d, %+v", code, o)
	}
	r := o.Results[0]
	if r.Target != "/static/a.css" || r.Host != "www.example.com" || r.Status != 200 || r.Differences[0].New != "500" {
		t.Errorf("got %+v", r)
	}
	if !strings.Contains(stderr, "left out: 1 requests that may change something") {
		t.Errorf("stderr is\n%s", stderr)
	}
}

func TestVerifyThatCannotAskIsExplained(t *testing.T) {
	t.Parallel()
	silent := httptest.NewServer(http.NotFoundHandler())
	silent.Close()
	conf := filepath.Join(t.TempDir(), "site.conf")
	const site = "<VirtualHost *:80>\nServerName www.example.com\nWSGIScriptAlias / /srv/x/x.wsgi\n</VirtualHost>\n"
	if err := os.WriteFile(conf, []byte(site), 0o644); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "new")
	for _, args := range [][]string{
		{"--old", silent.URL, "--new", silent.URL},
		{"--old", "no URL", "--new", silent.URL},
		{"--old", silent.URL, "--new", silent.URL, "--header", "none"},
		{"--old", silent.URL, "--new", silent.URL, "--requests", filepath.Join(out, "missing")},
		{"--old", "https://127.0.0.1:1", "--new", silent.URL},
	} {
		code, _, stderr := runVerify(t, append(append([]string{"migrate", "--verify", "--out", out}, args...), conf))
		if code != 1 {
			t.Errorf("exit %d for %v", code, args)
		}
		faulttest.Want(t, stderr, "MGW-MIG-003")
	}
}

func TestVerifyStartsNoOldServerButApache(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	conf := filepath.Join(dir, "shop.ini")
	if err := os.WriteFile(conf, []byte("[uwsgi]\nmodule = shop:app\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	code, _, stderr := runVerify(t, []string{"migrate", "--verify", "--out", filepath.Join(dir, "new"), conf})
	if code != 1 || !strings.Contains(stderr, "the old server is not Apache") {
		t.Errorf("exit %d\n%s", code, stderr)
	}
}

func TestRequestsThatDifferInTheSameWayStandTogether(t *testing.T) {
	t.Parallel()
	list := filepath.Join(t.TempDir(), "list")
	var paths strings.Builder
	for i := range 8 {
		fmt.Fprintf(&paths, "/static/a.css?%d\n", i)
	}
	if err := os.WriteFile(list, []byte(paths.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	_, stdout, _ := verify(t, pages(200, ""), pages(404, ""), "--requests", list)
	if strings.Count(stdout, "status 200 became 404") != 1 || !strings.Contains(stdout, "\nand 3 more\n  status") {
		t.Errorf("got\n%s", stdout)
	}
}
