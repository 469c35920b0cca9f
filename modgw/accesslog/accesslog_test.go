package accesslog

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/tracecontext"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func example() (*http.Request, *modgw.RequestInfo, modgw.Outcome) {
	r := httptest.NewRequest("GET", "/blog/?q=1", nil)
	r.Header.Set("Referer", "https://example.org/")
	r.Header.Set("User-Agent", "a \"browser\"\n127.0.0.1 - - forged \xff")
	received := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	info := &modgw.RequestInfo{
		RemoteAddr: "192.0.2.7", RawTarget: "/blog/?q=1", Path: "/blog/", Scheme: "http", Front: "http", ID: "abc",
		Received: received, Given: received.Add(250 * time.Millisecond),
	}
	return r, info, modgw.Outcome{Status: 200, Bytes: 1234, App: "blog", Generation: 3, Took: 1500 * time.Millisecond}
}

func lineOf(t *testing.T, format string) string {
	t.Helper()
	f, err := ParseFormat(format)
	if err != nil {
		t.Fatal(err)
	}
	r, info, o := example()
	return string(f.appendLine(nil, &entry{r, info, o, info.Received.Add(o.Took)}))
}

func TestFormats(t *testing.T) {
	for format, want := range map[string]string{
		"combined": `192.0.2.7 - - [04/Mar/2026:05:06:07 +0000] "GET /blog/?q=1 HTTP/1.1" 200 1234 ` +
			`"https://example.org/" "a \"browser\"\x0a127.0.0.1 - - forged \xff"` + "\n",
		"{time} {app}#{generation} {status} {took} = {queued} + {worked} {id} {broken}": "2026-03-04T05:06:07.000Z blog#3 200 " +
			"1.500000 = 0.250000 + 1.250000 abc false\n",
	} {
		if got := lineOf(t, format); got != want {
			t.Errorf("%s:\n%s, not\n%s", format, got, want)
		}
	}
	const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
	span := &tracecontext.Span{Self: tracecontext.ParseTraceparent([]string{"00-" + trace + "-00f067aa0ba902b7-01"})}
	for _, c := range []struct {
		span      *tracecontext.Span
		fromFront bool
		want      string
	}{
		{span, false, trace + " 00f067aa0ba902b7\n"}, {nil, true, "5" + trace[1:] + " -\n"}, {nil, false, "- -\n"},
	} {
		f, err := ParseFormat("{trace} {span}")
		if err != nil {
			t.Fatal(err)
		}
		r, info, o := example()
		r.Header["Traceparent"] = []string{"00-5" + trace[1:] + "-00f067aa0ba902b7-00"}
		info.Trace, info.FromFront = c.span, c.fromFront
		if got := string(f.appendLine(nil, &entry{r, info, o, info.Received})); got != c.want {
			t.Errorf("%q, not %q", got, c.want)
		}
	}
	for _, wrong := range []string{"", "combind", "{status} {what}"} {
		if _, err := ParseFormat(wrong); err == nil {
			t.Errorf("%q is taken for a format", wrong)
		}
	}
}

func TestJSONHasEveryFieldOfItsList(t *testing.T) {
	var got map[string]any
	if err := json.Unmarshal([]byte(lineOf(t, "json")), &got); err != nil {
		t.Fatal(err)
	}
	if len(got) != len(jsonFields) || got["status"] != 200.0 || got["took"] != 1.5 || got["app"] != "blog" ||
		!strings.Contains(got["agent"].(string), "forged") {
		t.Errorf("%v", got)
	}
}

func TestFileThatWasMovedIsFollowed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	format, err := ParseFormat("{status}")
	if err != nil {
		t.Fatal(err)
	}
	log, err := Open(path, format, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	holds := func(path, want string) {
		t.Helper()
		deadline := time.Now().Add(time.Minute)
		for text := []byte(nil); string(text) != want; time.Sleep(time.Millisecond) {
			if text, _ = os.ReadFile(path); time.Now().After(deadline) {
				t.Fatalf("%s has %q, not %q", path, text, want)
			}
		}
	}
	log.Ended(example())
	holds(path, "200\n")
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	log.Reopen()
	log.Ended(example())
	holds(path, "200\n")
	holds(path+".1", "200\n")
}

func TestLinkIsNotFollowed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	if err := os.Symlink("/etc/passwd", path); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, &Format{}, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a link was opened")
	}
}
