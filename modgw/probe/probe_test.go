package probe

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/modgw/modgw/modgw"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// app is the app, which probes must not reach.
var app = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "app") })

func newAnswerer() *Answerer {
	return New(func(*http.Request) (modgw.AppName, modgw.MountPath) { return "blog", "/blog" })
}

// ask sends a request to an answerer in front of app.
func ask(a *Answerer, method, target, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Header.Set("Authorization", "Basic eDp5")
	r.Header.Set("X-Internal-Secret", "secret")
	a.Wrap(app).ServeHTTP(w, r)
	return w
}

func TestOnlySignedPathsAreAnsweredWhileTheKeyCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAnswerer()
		forged := newKey(time.Now().Add(time.Hour)).Segment(NewToken(Echo))
		if got := ask(a, "GET", "/blog/"+forged, "").Body.String(); got != "app" {
			t.Errorf("before the answerer is armed: %s", got)
		}
		key := a.Arm(time.Hour)
		if left := time.Until(key.Expires); left != MaxLifetime {
			t.Errorf("the key counts for %v, want %v", left, MaxLifetime)
		}
		token := NewToken(Echo)
		valid := key.Segment(token)
		other := strings.Replace(valid, "-echo-", "-stream-", 1)
		for _, path := range []string{"/blog/" + forged, "/blog/" + other, "/blog/" + valid[:len(valid)-1], "/blog/x" + valid, "/" + valid + "x"} {
			if got := ask(a, "GET", path, "").Body.String(); got != "app" {
				t.Errorf("%s: %s", path, got)
			}
		}
		if got := ask(a, "GET", "/blog/"+valid, "").Header().Get("Modgw-Probe"); got != token.ID {
			t.Errorf("a signed path is answered by %q", got)
		}
		if again := a.Arm(time.Second); string(again.Secret) != string(key.Secret) || again.Expires != key.Expires {
			t.Error("a key that counts was replaced or shortened")
		}
		time.Sleep(MaxLifetime)
		if got := ask(a, "GET", "/blog/"+valid, "").Body.String(); got != "app" {
			t.Errorf("after the key expired: %s", got)
		}
		if string(a.Arm(time.Second).Secret) == string(key.Secret) {
			t.Error("an expired key counts again")
		}
	})
}

func TestReportHasWhatArrivedAndNoSecret(t *testing.T) {
	a := newAnswerer()
	token := NewToken(Echo)
	target := "/blog/" + a.Arm(time.Minute).Segment(token) + "/a%2Fb?x=1;y"
	w := ask(a, "POST", target, "hello")
	var got Report
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Method != "POST" || got.Query != "x=1;y" || got.Length != 5 || got.Body != 5 || got.App != "blog" || got.Mount != "/blog" ||
		got.Digest != "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824" || !got.Ended {
		t.Errorf("%+v", got)
	}
	if strings.Contains(w.Body.String(), "secret") || !strings.Contains(w.Body.String(), "X-Internal-Secret") {
		t.Errorf("a header that is not the probe's: %s", w.Body)
	}
	kept, ok := a.Report(token.ID)
	if !ok || kept.Digest != got.Digest {
		t.Errorf("kept: %v, %+v", ok, kept)
	}
	if head := ask(a, "HEAD", target, ""); head.Body.Len() > 0 || head.Header().Get("Content-Length") == "" {
		t.Errorf("HEAD: %v, %q", head.Header(), head.Body)
	}
}

func TestStreamWaitsForTheDoctor(t *testing.T) {
	a := newAnswerer()
	server := httptest.NewServer(a.Wrap(app))
	defer server.Close()
	defer http.DefaultClient.CloseIdleConnections()
	token := NewToken(Stream)
	resp, err := http.Get(server.URL + "/" + a.Arm(time.Minute).Segment(token))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	lines.Scan()
	if lines.Text() != "data: first "+token.ID {
		t.Errorf("first: %q", lines.Text())
	}
	a.Continue(token.ID)
	a.Continue(token.ID)
	lines.Scan()
	lines.Scan()
	if lines.Text() != "data: heard" {
		t.Errorf("second: %q", lines.Text())
	}
}

func TestReportsAreBounded(t *testing.T) {
	a := newAnswerer()
	for i := range maxReports + 10 {
		a.keep(Report{Token: Token{ID: fmt.Sprint(i)}})
	}
	if _, ok := a.Report("9"); ok || len(a.reports) != maxReports || len(a.order) != maxReports {
		t.Errorf("%d reports, %d ids, the tenth: %v", len(a.reports), len(a.order), ok)
	}
}
