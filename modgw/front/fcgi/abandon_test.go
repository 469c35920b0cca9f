package fcgi

import (
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/watchtest"
	"github.com/modgw/modgw/modgw/fcgi"
)

// CVE-2022-41556: requests that are abandoned, at any point, leave neither a descriptor nor a
// goroutine behind.
func TestP21AbandonedRequestsLeaveNothing(t *testing.T) {
	socket := serve(t, handle(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte("begun"))
		_ = http.NewResponseController(w).Flush()
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = w.Write(make([]byte, 200_000))
	}))
	whole := request(1, true, map[string]string{"REQUEST_METHOD": "POST", "CONTENT_LENGTH": "5"}, "hello")
	headed := len(whole) - len(recordsOf(fcgi.TypeStdin, 1, []byte("hello")))
	abandon := func(n int) {
		for i := range n {
			conn, err := net.Dial("unix", socket)
			if err != nil {
				t.Fatal(err)
			}
			_ = conn.SetDeadline(time.Now().Add(watchtest.Patience))
			switch i % 5 {
			case 0: // sends nothing
			case 1:
				_, _ = conn.Write(whole[:i%headed])
			case 2:
				_, _ = conn.Write(request(1, true, nil, ""))
				if _, err := conn.Read(make([]byte, 16)); err != nil {
					t.Fatal(i, err)
				}
			case 3:
				_, _ = conn.Write(whole[:headed])
				_, _ = conn.Write(record(fcgi.TypeAbort, 1, ""))
			case 4:
				_, _ = conn.Write(whole)
				if _, err := conn.Read(make([]byte, 16)); err != nil {
					t.Fatal(i, err)
				}
			}
			conn.Close()
		}
	}
	abandon(50)
	fds, goroutines := settled(t, 1<<20, 1<<20)
	abandon(500)
	if f, g := settled(t, fds, goroutines); f > fds || g > goroutines {
		t.Errorf("%d descriptors and %d goroutines before, %d and %d after", fds, goroutines, f, g)
	}
}

// settled counts descriptors and goroutines until they are within the limits, but only for a while.
func settled(t *testing.T, fds, goroutines int) (int, int) {
	t.Helper()
	limit := time.After(watchtest.Patience)
	f, g := 0, 0
	for same := 0; same < 10; {
		open, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		if f, g = len(open), runtime.NumGoroutine(); f <= fds && g <= goroutines {
			same++
		} else {
			same = 0
		}
		select {
		case <-limit:
			return f, g
		case <-time.After(10 * time.Millisecond):
		}
	}
	return f, g
}
