package load

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestQuantilesAreOffByLessThanTwoPercent(t *testing.T) {
	var h Histogram
	var all []time.Duration
	for range 10000 {
		d := time.Duration(rand.ExpFloat64() * float64(time.Millisecond))
		h.Record(d)
		all = append(all, d)
	}
	slices.Sort(all)
	for _, q := range []float64{0, 0.5, 0.9, 0.99, 0.999, 1} {
		exact := all[int(q*float64(len(all)-1))]
		if got := h.Quantile(q); got < exact || float64(got) > float64(exact)*1.02+1 {
			t.Errorf("quantile %v is %v, want %v", q, got, exact)
		}
	}
}

func TestAnswersAreReadInAnyPieces(t *testing.T) {
	for name, text := range map[string]string{
		"length": "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
		"chunks": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nTrailer: x\r\n\r\n",
		"early":  "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length:5\r\n\r\nhello",
	} {
		for size := 1; size <= len(text); size++ {
			var a answer
			complete := false
			for piece := range slices.Chunk([]byte(text), size) {
				if complete {
					t.Fatalf("%s in pieces of %d: complete too early", name, size)
				}
				var err error
				if _, complete, err = a.feed(piece); err != nil {
					t.Fatalf("%s in pieces of %d: %v", name, size, err)
				}
			}
			if wrong := a.verdict(5); !complete || wrong != "" {
				t.Fatalf("%s in pieces of %d: complete=%v %s", name, size, complete, wrong)
			}
		}
	}
}

func TestEchoesAreReadInAnyPieces(t *testing.T) {
	text := "\x89\x00" + "\x81\x05hello" + "\x81\x7e\x00\x03you"
	for size := 1; size <= len(text); size++ {
		var e echo
		echoes := 0
		for piece := range slices.Chunk([]byte(text), size) {
			for rest, complete := e.feed(piece); complete; rest, complete = e.feed(rest) {
				echoes++
			}
		}
		if echoes != 2 {
			t.Errorf("%d echoes in pieces of %d, want 2", echoes, size)
		}
	}
}

func server(t *testing.T, handler http.HandlerFunc) string {
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

func run(t *testing.T, job Job) Result {
	t.Helper()
	e, err := newEngine(job)
	if err != nil {
		t.Fatal(err)
	}
	result, err := e.run(Watch{})
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// runUntil runs a job, longer each time, until its result is sufficient: a busy machine may give no
// answers for a while.
func runUntil(t *testing.T, job Job, enough func(Result) bool) Result {
	t.Helper()
	for {
		result := run(t, job)
		if enough(result) || result.Failed() > 0 || job.Duration > 10*time.Second {
			return result
		}
		job.Duration *= 2
	}
}

func answered(r Result) bool { return r.Answered > 0 }

func TestEveryConnectionIsKeptBusy(t *testing.T) {
	address := server(t, func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte("hello")) })
	result := runUntil(t, Job{Address: address, Protocol: HTTP, Path: "/", Length: 5, Connections: 4, Idle: 3, Duration: 300 * time.Millisecond}, answered)
	if result.Answered == 0 || result.Failed() > 0 || result.Reconnects > 0 {
		t.Errorf("%+v", result)
	}
}

func TestClosedConnectionsAreOpenedAgain(t *testing.T) {
	address := server(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		_, _ = w.Write([]byte("hello"))
	})
	result := runUntil(t, Job{Address: address, Protocol: HTTP, Path: "/", Length: 5, Connections: 2, Duration: 300 * time.Millisecond},
		func(r Result) bool { return r.Answered > 0 && r.Reconnects > 0 })
	if result.Answered == 0 || result.Failed() > 0 || result.Reconnects == 0 {
		t.Errorf("%+v", result)
	}
}

func TestWrongAnswersAreErrors(t *testing.T) {
	address := server(t, func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no", http.StatusServiceUnavailable) })
	result := runUntil(t, Job{Address: address, Protocol: HTTP, Path: "/", Length: 5, Connections: 1, Duration: 200 * time.Millisecond}, answered)
	if result.Errors["status 503"] == 0 || result.Answered > 0 {
		t.Errorf("%+v", result)
	}
}

func TestNobodyListeningIsAnError(t *testing.T) {
	result := run(t, Job{Address: "127.0.0.1:1", Protocol: HTTP, Path: "/", Length: 5, Connections: 1, Duration: 200 * time.Millisecond})
	if result.Failed() == 0 || result.Answered > 0 {
		t.Errorf("%+v", result)
	}
}

// A server that pauses for a while answers late all requests that should have been sent meanwhile,
// not only the one that it had received.
func TestAFixedRateCountsFromTheIntendedMoment(t *testing.T) {
	stopped := false
	address := server(t, func(w http.ResponseWriter, r *http.Request) {
		if !stopped {
			stopped = true
			time.Sleep(200 * time.Millisecond)
		}
		_, _ = w.Write([]byte("hello"))
	})
	result := run(t, Job{Address: address, Protocol: HTTP, Path: "/", Length: 5, Connections: 1, Rate: 200, Duration: 400 * time.Millisecond})
	late := 0
	for b, n := range result.Latency.Counts {
		if edge(b) > 20*time.Millisecond {
			late += n
		}
	}
	if late < 20 || result.Failed() > 0 {
		t.Errorf("%d of %d requests were late: %v", late, result.Latency.N, result.Errors)
	}
}

func TestUploadsAreSentWhole(t *testing.T) {
	const size = 3 << 20
	address := server(t, func(w http.ResponseWriter, r *http.Request) {
		n := 0
		for room := make([]byte, 64<<10); ; {
			m, err := r.Body.Read(room)
			if n += m; err != nil {
				break
			}
		}
		if n != size {
			w.WriteHeader(http.StatusBadRequest)
		}
		_, _ = w.Write([]byte("hello"))
	})
	result := runUntil(t, Job{Address: address, Protocol: HTTP, Path: "/", Upload: size, Length: 5, Connections: 2, Duration: 200 * time.Millisecond}, answered)
	if result.Answered == 0 || result.Failed() > 0 || result.Out < size {
		t.Errorf("%+v", result)
	}
}

func TestSlowRequestsAreMadeAndNotCounted(t *testing.T) {
	var slow atomic.Int64
	address := server(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			slow.Add(1)
		}
		fmt.Fprint(w, "hello")
	})
	result := run(t, Job{
		Address: address, Protocol: HTTP, Path: "/", Length: 5, Connections: 1, Slow: 2, SlowPath: "/slow", Duration: 100 * time.Millisecond,
	})
	if slow.Load() < 2 || result.Failed() > 0 || result.Answered == 0 {
		t.Errorf("%d slow requests, %+v", slow.Load(), result)
	}
	if told := result.Between(result.Start, result.Start+time.Hour); told != result.Answered {
		t.Errorf("it tells when %d of %d answers came", told, result.Answered)
	}
}
