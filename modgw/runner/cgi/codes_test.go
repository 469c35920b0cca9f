package cgi

import (
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/modgw"
)

// TestFailuresOfScriptsAreExplained provokes each failure, and applies the manual's advice if it is
// about the script.
func TestFailuresOfScriptsAreExplained(t *testing.T) {
	a := serve(t, descriptor(t), map[string]string{
		"moved": "#!/no/such/perl\n", "windows": "#!/bin/sh\r\n", "shut": plain + "echo opened\n", "ok": plain + "echo ok\n",
	})
	if err := os.Chmod(a.Root+"/cgi-bin/shut", 0o644); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]struct {
		status int
		code   string
	}{
		"/moved": {500, "MGW-CFG-029"}, "/windows": {500, "MGW-CFG-029"},
		"/missing": {404, "MGW-CGI-007"}, "/shut": {403, "MGW-CGI-008"},
	} {
		a.Want(a.Get(path), want.status, "")
		faulttest.Want(t, a.Log(), want.code)
	}
	cookies := http.Header{"Cookie": {strings.Repeat("x", maxEnvironment/2)}, "X-More": {strings.Repeat("x", maxEnvironment/2)}}
	a.Want(a.Do("GET", "/ok", nil, cookies), 431, "")
	faulttest.Want(t, a.Log(), "MGW-CGI-010")

	a.Write("cgi-bin/moved", plain+"echo repaired\n")
	a.Write("cgi-bin/missing", plain+"echo found\n")
	if err := os.Chmod(a.Root+"/cgi-bin/shut", 0o755); err != nil {
		t.Fatal(err)
	}
	for path, body := range map[string]string{"/moved": "repaired", "/missing": "found", "/shut": "opened", "/ok": "ok"} {
		a.Want(a.Get(path), 200, body)
	}
}

func TestBodyOfUnknownLengthIsKeptWhereSomethingMayBe(t *testing.T) {
	for _, total := range []int64{0, 1 << 20} {
		d := descriptor(t)
		d.Spool = modgw.Spool{Total: total}
		a := serve(t, d, map[string]string{"cat": plain + "cat\n"})
		got := a.Do("POST", "/cat", struct{ io.Reader }{strings.NewReader(strings.Repeat("in pieces", 50_000))}, nil)
		if total > 0 {
			a.Want(got, 200, "in pieces")
			continue
		}
		a.Want(got, 411, "")
		faulttest.Want(t, a.Log(), "MGW-CGI-001")
	}
}
