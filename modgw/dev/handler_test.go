package dev

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/modgw"
)

func TestRequestWaitsForChangedCode(t *testing.T) {
	var version atomic.Value
	version.Store("old")
	b := newBench(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, version.Load()) })

	b.handler.Pending("blog", true) // a file was saved
	answer := make(chan string)
	go func() {
		_, text := b.get("/")
		answer <- text
	}()
	release := b.handler.Hold("blog") // it is being loaded
	b.handler.Pending("blog", false)
	select {
	case text := <-answer:
		t.Fatalf("answered %q before the code was loaded", text)
	// A wrong handler would answer within this time; a right one passes however long it is.
	case <-time.After(50 * time.Millisecond):
	}
	version.Store("new")
	release()
	if text := <-answer; text != "new" {
		t.Errorf("got %q, want the new code", text)
	}
}

func TestHoldOfAllAppsHoldsEach(t *testing.T) {
	b := newBench(t, document("hello"))
	release := b.handler.Hold("")
	if b.handler.gate.shut("blog") == nil {
		t.Error("the gate is open")
	}
	release()
	release()
	if b.handler.gate.shut("blog") != nil {
		t.Error("the gate is shut")
	}
}

func TestWaitingIsBounded(t *testing.T) {
	b := newBench(t, document("hello"))
	b.handler.config.Hold = time.Millisecond
	defer b.handler.Hold("blog")()
	response, text := b.get("/")
	if response.StatusCode != http.StatusServiceUnavailable || !faulttest.Has(text, "MGW-DEV-001") || !strings.Contains(text, eventsPath) {
		t.Errorf("%d, want a page that says why and follows:\n%s", response.StatusCode, text)
	}
}

func TestClosingEndsWaitingRequestsAndEventStreams(t *testing.T) {
	b := newBench(t, document("hello"))
	next := b.events()
	next()
	b.handler.Hold("blog")
	answer := make(chan int)
	go func() {
		response, _ := b.get("/")
		answer <- response.StatusCode
	}()
	b.handler.Close()
	if status := <-answer; status != http.StatusServiceUnavailable {
		t.Errorf("status %d, want 503", status)
	}
	if got := next(); got != "end" {
		t.Errorf("the stream goes on with %q", got)
	}
}

func TestFailedReloadShowsOnePageUntilItIsMended(t *testing.T) {
	b := newBench(t, document("hello"))
	b.handler.Observe(ready(2, "start"))
	if response, text := b.get("/"); response.StatusCode != 200 || !strings.Contains(text, "hello") {
		t.Fatalf("%d\n%s", response.StatusCode, text)
	}
	b.handler.Observe(syntaxError(3, 2))
	response, text := b.get("/")
	if response.StatusCode != 500 {
		t.Errorf("status %d while the code does not load, want 500", response.StatusCode)
	}
	for _, want := range []string{"SyntaxError", "&#39;(&#39; was never closed", "views.py:2", "still works (generation 2)", "views.py changed", "flask 3.1.0"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if strings.Contains(text, "src=") || strings.Contains(text, "@import") || strings.Contains(text, "http://") {
		t.Error("the page has parts elsewhere")
	}
	b.handler.Observe(ready(4, "views.py changed"))
	if response, text := b.get("/"); response.StatusCode != 200 || !strings.Contains(text, "hello") {
		t.Errorf("after it was fixed: %d\n%s", response.StatusCode, text)
	}
}

func TestBrowserMayGoOnWithTheVersionThatStillWorks(t *testing.T) {
	b := newBench(t, document("hello"))
	b.handler.Observe(ready(2, "start"))
	b.handler.Observe(syntaxError(3, 2))
	_, text := b.get("/some/page?x=1")
	_, rest, _ := strings.Cut(text, `href="`+stillPath)
	query, _, _ := strings.Cut(rest, `"`)
	response, _ := b.get(stillPath + strings.ReplaceAll(query, "&amp;", "&"))
	if response.StatusCode != http.StatusSeeOther || response.Header.Get("Location") != "/some/page?x=1" {
		t.Fatalf("%d to %q", response.StatusCode, response.Header.Get("Location"))
	}
	cookie := response.Header.Get("Set-Cookie")
	cookie, _, _ = strings.Cut(cookie, ";")
	if response, _ := b.get("/", "Cookie", cookie); response.StatusCode != 200 {
		t.Errorf("status %d with the cookie, want 200", response.StatusCode)
	}
	b.handler.Observe(ready(4, "mended"))
	b.handler.Observe(syntaxError(5, 4))
	if response, _ := b.get("/", "Cookie", cookie); response.StatusCode != 500 {
		t.Errorf("status %d with a cookie of before the last good reload, want 500", response.StatusCode)
	}
}

func TestSwitchLeadsNowhereElse(t *testing.T) {
	b := newBench(t, document("hello"))
	for _, to := range []string{"//evil.example.com/", `/\evil.example.com`, "https://evil.example.com/", "evil", ""} {
		response, _ := b.get(stillPath + "?to=" + url.QueryEscape(to))
		if got := response.Header.Get("Location"); got != "/" {
			t.Errorf("to %q leads to %q", to, got)
		}
	}
}

func TestFailureIsToldInTheFormThatTheClientAsksFor(t *testing.T) {
	b := newBench(t, document("hello"))
	b.handler.Observe(syntaxError(1, 0))
	for accept, want := range map[string]string{
		"text/html":        "<!doctype html>",
		"application/json": `"error": "SyntaxError: '(' was never closed"`,
		"*/*":              "views.py:2  SyntaxError: '(' was never closed",
	} {
		if _, text := b.do("GET", "/", nil, "Accept", accept); !strings.Contains(text, want) {
			t.Errorf("Accept %s: no %q in\n%s", accept, want, text)
		}
	}
}

func TestFaultInARequestShowsTheRequestWithoutItsSecrets(t *testing.T) {
	b := newBench(t, func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		modgw.ServeFault(w, r, 500, syntaxError(0, 0).Fault, true)
	})
	form := url.Values{"item": {"apple"}, "password": {"hunter2"}}
	response, text := b.do("POST", "/buy?x=1", strings.NewReader(form.Encode()),
		"Accept", "text/html", "Content-Type", "application/x-www-form-urlencoded",
		"Authorization", "Basic aHVudGVyMjo=", "Cookie", "session=hunter2", "X-Kind", "shop")
	if response.StatusCode != 500 {
		t.Errorf("status %d", response.StatusCode)
	}
	for _, want := range []string{"POST", "/buy?x=1", "apple", "shop", "Authorization", masked} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	for _, secret := range []string{"hunter2", "aHVudGVyMjo"} {
		if strings.Contains(text, secret) {
			t.Errorf("the page shows the secret %q", secret)
		}
	}
}

func TestErrorPageIsNotForNamesOfOthers(t *testing.T) {
	b := newBench(t, document("hello"))
	b.handler.Observe(syntaxError(1, 0))
	for host, shown := range map[string]bool{
		"127.0.0.1:8000": true, "[::1]:8000": true, "localhost": true, "blog.localhost:8000": true, "box": true,
		"box.local": true, "blog.example.com": true, "a.wild.example.com": true,
		"evil.example.com": false, "wild.example.org": false, "127.0.0.1.evil.example.com": false,
	} {
		r, _ := http.NewRequest("GET", b.url, nil)
		r.Host = host
		r.Header.Set("Accept", "text/html")
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if got := strings.Contains(string(text), "SyntaxError"); got != shown {
			t.Errorf("host %s: shown %v, want %v", host, got, shown)
		}
		if !shown {
			faulttest.Want(t, string(text), "MGW-DEV-004")
		}
	}
}

func TestMultipartFieldsAreShown(t *testing.T) {
	b := newBench(t, func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseMultipartForm(1 << 20); err != nil {
			t.Error(err)
		}
		modgw.ServeFault(w, r, 500, &modgw.Fault{Code: "MGW-APP-013", Summary: "cannot answer"}, true)
	})
	body := "--x\r\nContent-Disposition: form-data; name=\"item\"\r\n\r\napple\r\n" +
		"--x\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"a.png\"\r\n\r\nPNG\r\n--x--\r\n"
	_, text := b.do("POST", "/", strings.NewReader(body), "Accept", "application/json", "Content-Type", "multipart/form-data; boundary=x")
	if !strings.Contains(text, `"apple"`) || !strings.Contains(text, "(file a.png)") {
		t.Errorf("no fields in\n%s", text)
	}
}

func TestOpenPagesHearOfChanges(t *testing.T) {
	b := newBench(t, document("hello"))
	_, text := b.get("/")
	first := b.handler.event(b.handler.app("blog").state())
	if !strings.Contains(text, `data-modgw-revision="`+first.Revision+`"`) {
		t.Errorf("the page does not know its revision %s:\n%s", first.Revision, text)
	}
	next := b.events()
	if got := next(); !strings.Contains(got, first.Revision) {
		t.Errorf("first message %s", got)
	}
	b.handler.Assets("blog", []string{"static/site.css"})
	if got := next(); !strings.Contains(got, first.Revision) || !strings.Contains(got, `"styles":1`) {
		t.Errorf("after a style sheet: %s", got)
	}
	b.handler.Assets("blog", []string{"static/site.css", "static/logo.svg"})
	second := next()
	if strings.Contains(second, first.Revision) {
		t.Errorf("after a picture: %s", second)
	}
	b.handler.Observe(ready(2, "views.py changed"))
	if got := next(); got == second {
		t.Errorf("after a reload: %s", got)
	}
}

func TestRequestsWithoutAnAppPassThrough(t *testing.T) {
	b := newBench(t, document("not here"))
	r, _ := http.NewRequest("GET", b.url, nil)
	r.Host = "elsewhere.example.com"
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != 200 {
		t.Errorf("status %d", response.StatusCode)
	}
}
