package dev

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestScriptStandsBeforeTheEndOfThePage(t *testing.T) {
	const script = "<SCRIPT>"
	for name, c := range map[string]struct{ in, want string }{
		"plain":            {"<html><body>x</body></html>\n", "<html><body>x" + script + "</body></html>\n"},
		"upper case":       {"<HTML><BODY>x</BODY></HTML>", "<HTML><BODY>x" + script + "</BODY></HTML>"},
		"in a script, too": {`<html><script>a="</body>"</script>` + strings.Repeat(" ", 2000) + "</body>", `<html><script>a="</body>"</script>` + strings.Repeat(" ", 2000) + script + "</body>"},
		"twice, near":      {"<p></body></p></body>", "<p></body></p>" + script + "</body>"},
		"end left out":     {"<!DOCTYPE html><p>x", "<!DOCTYPE html><p>x" + script},
		"a piece":          {"<p>x</p>", "<p>x</p>"},
		"empty":            {"", ""},
		"nearly":           {"<p>x</bod", "<p>x</bod"},
		"byte order mark":  {"\xef\xbb\xbf<!doctype html>x", "\xef\xbb\xbf<!doctype html>x" + script},
	} {
		for _, size := range []int{1, 2, 3, 7, 1 << 20} {
			var out strings.Builder
			s := &splice{out: &out, insert: []byte(script)}
			for rest := c.in; rest != ""; {
				piece := rest[:min(size, len(rest))]
				rest = rest[len(piece):]
				if n, err := s.Write([]byte(piece)); n != len(piece) || err != nil {
					t.Fatal(n, err)
				}
			}
			s.finish()
			if name == "end left out" && size < 9 || name == "byte order mark" && size < 12 {
				continue // it is not to be recognised from so few bytes
			}
			if out.String() != c.want {
				t.Errorf("%s in pieces of %d: %q, want %q", name, size, out.String(), c.want)
			}
		}
	}
}

func TestOnlyPagesGetTheScript(t *testing.T) {
	const body = "<!doctype html><html><body>x</body></html>"
	for name, c := range map[string]struct {
		method  string
		request []string
		answer  map[string]string
		status  int
		want    bool
	}{
		"page":               {"GET", nil, nil, 200, true},
		"error page":         {"GET", nil, nil, 404, true},
		"document":           {"GET", []string{"Sec-Fetch-Dest", "document"}, nil, 200, true},
		"a script asks":      {"GET", []string{"Sec-Fetch-Dest", "empty"}, nil, 200, false},
		"not for a browser":  {"GET", []string{"Accept", "*/*"}, nil, 200, false},
		"a part":             {"GET", []string{"Range", "bytes=0-3"}, nil, 200, false},
		"form":               {"POST", nil, nil, 200, false},
		"JSON":               {"GET", nil, map[string]string{"Content-Type": "application/json"}, 200, false},
		"compressed":         {"GET", nil, map[string]string{"Content-Encoding": "br"}, 200, false},
		"download":           {"GET", nil, map[string]string{"Content-Disposition": "attachment; filename=a.html"}, 200, false},
		"sandboxed":          {"GET", nil, map[string]string{"Content-Security-Policy": "sandbox allow-forms"}, 200, false},
		"policy with script": {"GET", nil, map[string]string{"Content-Security-Policy": "script-src 'self'"}, 200, true},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/html")
				w.Header().Set("Content-Length", "42")
				for name, value := range c.answer {
					w.Header().Set(name, value)
				}
				w.WriteHeader(c.status)
				io.WriteString(w, body)
			})
			response, text := b.do(c.method, "/", nil, append([]string{"Accept", "text/html", "Accept-Encoding", "identity"}, c.request...)...)
			if got := strings.Contains(text, "data-modgw-events"); got != c.want {
				t.Errorf("script: %v, want %v\n%s", got, c.want, text)
			}
			if !c.want && text != body {
				t.Errorf("changed: %q", text)
			}
			if c.want && !strings.HasSuffix(text, "</script>\n</body></html>") {
				t.Errorf("the script is elsewhere:\n%s", text)
			}
			if response.ContentLength >= 0 && response.ContentLength != int64(len(text)) {
				t.Errorf("Content-Length %d of %d bytes", response.ContentLength, len(text))
			}
		})
	}
}

func TestStreamsAreNotHeldUp(t *testing.T) {
	seen := make(chan bool)
	b := newBench(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, "<!doctype html><p>first")
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
		<-seen
		io.WriteString(w, "second</body>")
	})
	r, _ := http.NewRequest("GET", b.url, nil)
	r.Header.Set("Accept", "text/html")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	first := make([]byte, len("<!doctype html><p>first"))
	if _, err := io.ReadFull(response.Body, first); err != nil {
		t.Fatal(err)
	}
	close(seen)
	rest, err := io.ReadAll(response.Body)
	if err != nil || !strings.HasPrefix(string(rest), "second<script") || !strings.HasSuffix(string(rest), "</body>") {
		t.Errorf("%v: %s", err, rest)
	}
}

func TestStillPagesAreLeftAlone(t *testing.T) {
	b := newBench(t, document("hello"))
	b.handler.config.Still = true
	if _, text := b.get("/"); strings.Contains(text, "script") {
		t.Errorf("a script in\n%s", text)
	}
	b.handler.Observe(syntaxError(1, 0))
	if _, text := b.get("/"); strings.Contains(text, "data-modgw-events") {
		t.Errorf("the error page follows")
	}
}

func TestPoliciesLetTheScriptInAndNothingElse(t *testing.T) {
	hash := script{}.hash()
	for in, want := range map[string]string{
		"default-src 'self'":                       "default-src 'self'; script-src 'self' " + hash,
		"default-src 'none'":                       "default-src 'none'; script-src " + hash + "; connect-src 'self'",
		"script-src 'none'; connect-src x.example": "script-src " + hash + "; connect-src x.example 'self'",
		"script-src 'self' 'unsafe-inline'":        "script-src 'self' 'unsafe-inline'",
		"script-src 'nonce-abc' 'unsafe-inline'":   "script-src 'nonce-abc' 'unsafe-inline'",
		"script-src 'sha256-x' 'unsafe-inline'":    "script-src 'sha256-x' 'unsafe-inline' " + hash,
		"script-src-elem 'self'; script-src x":     "script-src-elem 'self' " + hash + "; script-src x",
		"img-src *":                                "img-src *",
		"script-src a, script-src b":               "script-src a " + hash + ", script-src b " + hash,
		"Script-Src 'self';; ":                     "script-src 'self' " + hash,
		"connect-src *":                            "connect-src *",
		"sandbox allow-scripts; script-src 'self'": "sandbox allow-scripts; script-src 'self' " + hash,
	} {
		h := http.Header{"Content-Security-Policy": {in}}
		if _, why := admit(h, script{}); why != "" {
			t.Errorf("%s: %s", in, why)
		}
		if got := h.Get("Content-Security-Policy"); got != want {
			t.Errorf("%s\n got %s\nwant %s", in, got, want)
		}
	}
}

func TestScriptTakesTheNonceOfThePage(t *testing.T) {
	h := http.Header{"Content-Security-Policy": {"script-src 'nonce-abc'"}}
	nonce, _ := admit(h, script{})
	if nonce != "abc" || !strings.Contains(script{}.element(nonce), `nonce="abc"`) {
		t.Errorf("nonce %q", nonce)
	}
}
