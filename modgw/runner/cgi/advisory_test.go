package cgi

import (
	"net/http"
	"strings"
	"testing"

	"github.com/modgw/modgw/modgw"
)

// CVE-2014-6271, CVE-2016-5385: data from a client, or from the web server in front, reaches a
// script's environment only in the variables of RFC 3875; no data can influence how the script is
// executed.
func TestP12NobodyOutsideChoosesTheEnvironment(t *testing.T) {
	d := descriptor(t)
	d.Env = map[string]string{"LIBRARY": "the app's own"}
	a := serve(t, d, map[string]string{"env": env})
	header := http.Header{
		"Proxy": {"http://evil"}, "User-Agent": {"() { :;}; echo vulnerable"}, "Path": {"/evil"}, "Ld-Preload": {"/evil.so"},
		"Bash_func_ls%%": {"() { echo vulnerable; }"}, "Library": {"evil"}, "Content-Length-": {"7"},
	}
	got := a.Do("GET", "/env?LD_PRELOAD=/evil.so", nil, header)
	a.Want(got, 200, "\nHTTP_USER_AGENT=() { :;}; echo vulnerable\n")
	a.Want(got, 200, "\nLIBRARY=the app's own\n")
	for line := range strings.Lines(got.Body) {
		name, _, _ := strings.Cut(line, "=")
		switch {
		case strings.HasPrefix(name, "HTTP_") && name != "HTTP_PROXY", strings.HasPrefix(name, "SERVER_"), strings.HasPrefix(name, "REQUEST_"),
			strings.HasPrefix(name, "REMOTE_"), strings.HasPrefix(name, "SCRIPT_"):
		case name == "PATH" && !strings.Contains(line, "evil"):
		case strings.Contains(" GATEWAY_INTERFACE QUERY_STRING DOCUMENT_ROOT REDIRECT_STATUS MODGW_REQUEST_ID HOME LANG TZ LIBRARY ", " "+name+" "):
		case name == "PWD", name == "_", name == "SHLVL", name == "OLDPWD": // which the shell sets
		case name == "args", name == "body":
		default:
			t.Errorf("%q is there", line)
		}
	}
}

// Variables that a web server's administrator has set (SetEnv) are meant for the request and not
// for a process.
func TestP12VariablesOfAFrontStayOutside(t *testing.T) {
	d := descriptor(t)
	a := serve(t, d, map[string]string{"env": env})
	variables := map[string]string{"LD_PRELOAD": "/evil.so", "PYTHONPATH": "/evil", "BASH_ENV": "/evil", "IFS": "x", "PATH": "/evil", "HOME": "/evil", "PERL5OPT": "-Mevil"}
	w := &recorder{header: http.Header{}}
	r, err := http.NewRequestWithContext(t.Context(), "GET", "http://x/env", nil)
	if err != nil {
		t.Fatal(err)
	}
	info := modgw.RequestInfoOf(r)
	info.Variables = variables
	a.Gateway.ServeHTTP(w, r.WithContext(modgw.WithRequestInfo(r.Context(), info)))
	if w.status != 200 || strings.Contains(w.body.String(), "evil") || !strings.Contains(w.body.String(), "SCRIPT_NAME=/env\n") {
		t.Errorf("got %d:\n%s", w.status, w.body.String())
	}
}

// recorder is a front for this test.
type recorder struct {
	header http.Header
	status int
	body   strings.Builder
}

func (w *recorder) Header() http.Header         { return w.header }
func (w *recorder) WriteHeader(status int)      { w.status = status }
func (w *recorder) Write(p []byte) (int, error) { return w.body.Write(p) }

// CVE-2012-1823, CVE-2024-4577: no query is an argument.
func TestP13QueryIsNoArgument(t *testing.T) {
	a := serve(t, descriptor(t), map[string]string{"args": plain + "printf 'args=%s.' \"$#\"\n"})
	for _, query := range []string{"-s", "+a+b", "a+b", "-d+allow_url_include%3d1", "%ADd+allow_url_include%3d1", "\xad", "--", "a b"} {
		a.Want(a.Get("/args?"+strings.ReplaceAll(query, " ", "%20")), 200, "args=0.")
	}
}

// CVE-2020-24553: a response that the script does not declare as HTML is not declared as HTML
// because of its content.
func TestP15TypeThatTheScriptDoesNotSayIsNotGuessed(t *testing.T) {
	a := serve(t, descriptor(t), map[string]string{
		"status": sh + "printf 'Status: 200\\n\\n<script>alert(1)</script>'\n",
		"none":   sh + "printf '\\n<script>alert(1)</script>'\n",
	})
	got := a.Get("/status")
	if got.Status != 200 || len(got.Header["Content-Type"]) > 0 || got.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("got %d %v", got.Status, got.Header)
	}
	a.Want(a.Get("/none"), 502, "")
}

// CVE-2024-24795, CVE-2023-38709: no output of a script can split a response.
func TestP16HeadsThatCouldSplitAResponse(t *testing.T) {
	heads := map[string]string{
		"return": `X-A: b\rX-Forged: yes\n`, "nul": `X-A: b\000c\n`, "escape": `X-A: \033[31m\n`, "name": `X A: b\n`, "colon": `X-A\n`,
		"empty": `: b\n`, "folded": `X-A: b\n X-Forged: yes\n`, "status": `Status: 99\n`, "words": `Status: fine\n`,
		"lengths": `Content-Length: 1\nContent-Length: 2\n`, "location": `Location: /x\rX-Forged: yes\n`,
	}
	scripts := map[string]string{}
	for name, head := range heads {
		scripts[name] = sh + "printf '" + head + "Content-Type: text/plain\\n\\nwhole'\n"
	}
	a := serve(t, descriptor(t), scripts)
	for name := range heads {
		if got := a.Get("/" + name); got.Status != 502 || got.Header.Get("X-Forged") != "" {
			t.Errorf("%s: got %d %v", name, got.Status, got.Header)
		}
	}
}

// CVE-2010-3872, CVE-2007-4727: a head without end is given up, and so is the script.
func TestP20HeadWithoutEndIsGivenUp(t *testing.T) {
	a := serve(t, descriptor(t), map[string]string{
		"headers": sh + "exec yes 'X-A: b'\n",
		"header":  sh + "exec tr '\\0' x </dev/zero\n",
		"ok":      plain,
	})
	for _, path := range []string{"/headers", "/header"} {
		a.Want(a.Get(path), 502, "")
	}
	a.Want(a.Get("/ok"), 200, "")
	a.Eventually("the scripts' end", func() bool { return a.Status().Busy == 0 })
}
