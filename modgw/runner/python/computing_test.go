package python

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/modgw/modgw/modgw/wire"
)

// computingApp is an app that computes, waits, or does both, depending on the path. /together… is
// answered when the given number of requests is present at once.
const computingApp = gates + `
import collections, hashlib
lock = threading.Lock()
present, most = collections.Counter(), collections.Counter()
done = threading.Event()
def compute(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        for _ in range(100): pass
def together(name, count, step):
    with lock:
        present[name] += 1
        most[name] = max(most[name], present[name])
    while most[name] < count and not done.is_set():
        step()
    with lock:
        present[name] -= 1
def application(environ, start_response):
    kind, _, count = environ["PATH_INFO"][1:].partition("/")
    if kind == "compute":
        compute(0.0005)
    elif kind == "together":
        together(kind, int(count), lambda: time.sleep(0.001))
    elif kind == "alternate":
        def step():
            compute(0.0005)
            time.sleep(0.001)
        together(kind, int(count), step)
    elif kind == "native":
        data = b"x" * (1 << 20)
        together(kind, int(count), lambda: hashlib.sha256(data))
    elif kind == "digest":
        with lock:
            present[kind] += 1
            most[kind] = max(most[kind], present[kind])
        hashlib.sha256(b"x" * (1 << 20))
        with lock:
            present[kind] -= 1
        return ok(start_response, str(most[kind]))
    elif kind == "spin":
        touch("spinning")
        while not done.is_set(): pass
    elif kind == "done":
        done.set()
    elif kind == "hold":
        touch("held")
        wait("go")
    return ok(start_response, str(threading.get_ident()))
`

// knownToCompute sends requests until a thread has reported that it computes, and makes all other
// threads report the same.
func (a *app) knownToCompute() {
	a.Helper()
	a.eventually("a thread that is known to compute", func() bool {
		a.get("/compute")
		for _, w := range a.tracked() {
			if threads(w)[0].Computes() {
				for _, c := range threads(w)[1:] {
					c.NotePace(halfMillisecond, 255)
				}
				return true
			}
		}
		return false
	})
}

const halfMillisecond = uint8(500 * time.Microsecond / wire.PaceUnit)

// doAll sends several requests at once, and returns how many were answered by each thread.
func (a *app) doAll(count int, method, path string) map[string]int {
	a.Helper()
	var mu sync.Mutex
	threads := map[string]int{}
	var all sync.WaitGroup
	for range count {
		all.Go(func() {
			got := a.do(method, path, nil)
			if got.status != 200 {
				a.Errorf("%s: %d %q, %v", path, got.status, got.body, got.err)
			}
			mu.Lock()
			defer mu.Unlock()
			threads[got.body]++
		})
	}
	all.Wait()
	return threads
}

func TestComputingRequestsRunOnFewThreads(t *testing.T) {
	for _, method := range []string{"GET", "POST"} {
		t.Run(method, func(t *testing.T) {
			a := serve(t, computingApp, withWorkers(1, 8))
			a.knownToCompute()
			var counts []int
			threads := map[string]int{}
			for range 10 {
				for thread, count := range a.doAll(12, method, "/compute") {
					threads[thread] += count
				}
			}
			for _, count := range threads {
				counts = append(counts, count)
			}
			slices.Sort(counts)
			most := 0
			for _, count := range counts[max(0, len(counts)-2):] {
				most += count
			}
			// a busy machine may delay a thread, which then seems to wait
			if most < 60 {
				t.Errorf("120 requests ran on threads %v, want most of them on one or two", threads)
			}
		})
	}
}

func TestRequestsThatWaitSpreadOverThreads(t *testing.T) {
	for _, request := range []string{
		"GET /together/6", "POST /together/6", "GET /alternate/6", "POST /alternate/6", "GET /native/2", "POST /native/2",
	} {
		t.Run(request, func(t *testing.T) {
			a := serve(t, computingApp, withWorkers(1, 6))
			a.knownToCompute()
			method, path, _ := strings.Cut(request, " ")
			count, _ := strconv.Atoi(path[len(path)-1:])
			if threads := a.doAll(count, method, path); len(threads) != count {
				t.Errorf("%d requests at once ran on threads %v", count, threads)
			}
		})
	}
}

// TestShortNativeCodeRunsOnSeveralThreads: no request behind such code is taken back, because the
// code only leaves the interpreter to others.
func TestShortNativeCodeRunsOnSeveralThreads(t *testing.T) {
	a := serve(t, computingApp, withWorkers(1, 3))
	a.knownToCompute()
	a.eventually("a thread that is known to leave the interpreter to others", func() bool {
		together := a.doAll(8, "GET", "/digest")
		for _, w := range a.tracked() {
			return !threads(w)[0].Computes() && together["1"] == 0
		}
		return false
	})
}

func TestRequestThatBeginsToWaitFreesThoseBehindIt(t *testing.T) {
	for _, method := range []string{"GET", "POST"} {
		t.Run(method, func(t *testing.T) {
			a := serve(t, computingApp, withWorkers(1, 2))
			a.knownToCompute()
			held := make(chan answer, 1)
			go func() { held <- a.do(method, "/hold", nil) }()
			a.eventually("a request that waits", func() bool { return exists(a.path("held")) })
			a.doAll(12, method, "/compute") // the gate is closed
			a.open("go")
			if got := <-held; got.status != 200 {
				t.Errorf("held: %d %q, %v", got.status, got.body, got.err)
			}
		})
	}
}

func TestLongComputationStopsNoOthers(t *testing.T) {
	for _, method := range []string{"GET", "POST"} {
		t.Run(method, func(t *testing.T) {
			a := serve(t, computingApp, withWorkers(1, 3))
			a.knownToCompute()
			spinning := make(chan answer, 2)
			for range cap(spinning) {
				go func() { spinning <- a.do(method, "/spin", nil) }()
			}
			a.eventually("a request that computes", func() bool { return exists(a.path("spinning")) })
			a.doAll(12, method, "/compute")
			if got := a.do(method, "/done", nil); got.status != 200 {
				t.Errorf("got %d %q, %v", got.status, got.body, got.err)
			}
			for range cap(spinning) {
				if got := <-spinning; got.status != 200 {
					t.Errorf("spinning: %d %q, %v", got.status, got.body, got.err)
				}
			}
		})
	}
}

// TestOrdersAreExecutedOnceWhenAComputingWorkerIsKilled kills workers while their threads have much
// work before them.
func TestOrdersAreExecutedOnceWhenAComputingWorkerIsKilled(t *testing.T) {
	a := serve(t, ledger, withWorkers(1, 3))
	a.knownFast()
	var clients sync.WaitGroup
	stop := make(chan struct{})
	for client := range 12 {
		clients.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				method := "GET"
				if client%3 == 0 {
					method = "POST"
				}
				a.do(method, "/"+method+"/"+itoa(client)+"/"+itoa(i), nil)
			}
		})
	}
	for range 3 {
		old := a.pid(1)
		before := len(a.begun())
		a.eventually("work", func() bool { return len(a.begun()) > before+50 })
		if err := syscall.Kill(old, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		a.eventually("replacement", func() bool { p := a.pid(1); return p != 0 && p != old })
	}
	close(stop)
	clients.Wait()
	for path, count := range a.begun() {
		if strings.HasPrefix(path, "/POST") && count > 1 {
			t.Errorf("%s was begun %d times", path, count)
		}
	}
}
