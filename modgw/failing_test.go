package modgw

import (
	"net/http"
	"strings"
	"testing"
	"time"
	"unsafe"
)

func TestStatusCountsRequestsThatFailedLately(t *testing.T) {
	answer := http.StatusInternalServerError
	s := &stage{serve: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(answer) }}
	g := testGateway(t, s)
	deploy(t, g, descriptor("broken"))
	status := func() *FailingStatus {
		t.Helper()
		s, err := g.AppStatus("blog")
		if err != nil {
			t.Fatal(err)
		}
		return s.Failing
	}
	if f := status(); f != nil {
		t.Errorf("before any request: %+v", f)
	}
	get(g, "/a%0ab?token=secret")
	answer = http.StatusServiceUnavailable
	get(g, "/c")
	answer = http.StatusNotFound
	get(g, "/d")
	f := status()
	if f == nil || f.Count != 2 || f.Last.Status != 503 || f.Last.Path != "/c" || f.Last.Request == "" || f.Last.Method != "GET" {
		t.Errorf("got %+v", f)
	}
}

// TestLastFailedRequestIsKeptShortAndApart: the front may use the memory of a request for the next
// one.
func TestLastFailedRequestIsKeptShortAndApart(t *testing.T) {
	var f failing
	id := []byte("first")
	r, err := http.NewRequestWithContext(t.Context(), "POST", "http://x/", nil)
	if err != nil {
		t.Fatal(err)
	}
	info := &RequestInfo{ID: unsafe.String(&id[0], len(id)), Path: "/" + strings.Repeat("a", 1000)}
	f.note(502, r, info, time.Now)
	copy(id, "next!")
	last := f.status(time.Now()).Last
	if last.Request != "first" {
		t.Errorf("request %q", last.Request)
	}
	if len(last.Path) > longestPath+len("%E2%80%A6") {
		t.Errorf("%d bytes of the path are kept", len(last.Path))
	}
}

func TestFailedRequestsAreForgotten(t *testing.T) {
	var f failing
	r, err := http.NewRequestWithContext(t.Context(), "POST", "http://x/", nil)
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Unix(1_000_000_000, 0)
	for minute := range failingMinutes + 3 {
		f.note(502, r, &RequestInfo{ID: "1", Path: "/a\nb"}, func() time.Time { return begin.Add(time.Duration(minute) * time.Minute) })
	}
	end := begin.Add((failingMinutes + 2) * time.Minute)
	if s := f.status(end); s.Count != failingMinutes || s.Last.Path != "/a%0Ab" {
		t.Errorf("got %+v", s)
	}
	if s := f.status(end.Add((failingMinutes - 1) * time.Minute)); s == nil || s.Count != 1 {
		t.Errorf("of the last minute: %+v", s)
	}
	if s := f.status(end.Add(failingMinutes * time.Minute)); s != nil {
		t.Errorf("later: %+v", s)
	}
}
