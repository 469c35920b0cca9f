package python

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/python/wsgi"
)

// ledger is an app that notes down each request when it begins with it. /hold… waits for the file
// of that name.
const ledger = gates + `
lock = threading.Lock()
def application(environ, start_response):
    path = environ["PATH_INFO"]
    with lock, open(os.path.join(ROOT, "ledger"), "a") as f:
        f.write(path + "\n")
    if path.startswith("/hold"):
        touch("held" + path[5:])
        wait(path[1:])
    if path.startswith("/nap"):
        time.sleep(0.02)
    return ok(start_response, "%s %d" % (path, os.getpid()))
`

// threads returns the connections to the threads of a worker.
func threads(w *worker) []*wsgi.Conn { return w.Connections.(*wsgi.Worker).Conns }

// knownFast makes requests until the host knows of a thread that it answers fast.
func (a *app) knownFast() {
	a.Helper()
	a.eventually("a thread that is known to be fast", func() bool {
		a.get("/fast")
		for _, w := range a.tracked() {
			if threads(w)[0].Depth() > 1 {
				return true
			}
		}
		return false
	})
}

// hold makes a request that the app does not answer before the gate is opened.
func (a *app) hold(name string) <-chan answer {
	result := make(chan answer, 1)
	go func() { result <- a.get("/hold" + name) }()
	a.eventually("a request that is held", func() bool { return exists(a.path("held" + name)) })
	return result
}

// begun returns how often the app has begun each request.
func (a *app) begun() map[string]int {
	a.Helper()
	data, err := os.ReadFile(a.path("ledger"))
	if err != nil {
		a.Fatal(err)
	}
	counts := map[string]int{}
	for path := range strings.FieldsSeq(string(data)) {
		counts[path]++
	}
	return counts
}

// TestShortRequestsDoNotWaitBehindLongOnes answers short requests while long ones are held: all
// short requests that were behind a long one must have been given back.
func TestShortRequestsDoNotWaitBehindLongOnes(t *testing.T) {
	t.Parallel()
	a := serve(t, ledger, withWorkers(1, 4))
	a.knownFast()
	var held []<-chan answer
	for i := range 3 {
		held = append(held, a.hold(itoa(i)))
		var short sync.WaitGroup
		for range 16 {
			short.Go(func() {
				for range 5 {
					if got := a.get("/fast"); got.status != 200 {
						t.Errorf("got %d %q, %v", got.status, got.body, got.err)
					}
				}
			})
		}
		short.Wait() // the gates are closed
	}
	if a.log.Count("requests given back") == 0 {
		t.Error("no request has ever waited behind a long one, which this test is about")
	}
	for i, result := range held {
		a.open("hold" + itoa(i))
		if got := <-result; got.status != 200 {
			t.Errorf("held: %d %q, %v", got.status, got.body, got.err)
		}
	}
}

func TestRequestsThatAreGivenBackAreExecutedOnce(t *testing.T) {
	t.Parallel()
	a := serve(t, ledger, withWorkers(2, 2))
	a.knownFast()
	var clients sync.WaitGroup
	for client := range 12 {
		clients.Go(func() {
			for i := range 25 {
				method, path := "GET", fmt.Sprintf("/fast/%d/%d", client, i)
				switch {
				case client < 3:
					path = fmt.Sprintf("/nap/%d/%d", client, i)
				case client < 5:
					method = "POST"
				}
				if got := a.do(method, path, nil); got.status != 200 || !strings.HasPrefix(got.body, path+" ") {
					t.Errorf("%s %s: %d %q, %v", method, path, got.status, got.body, got.err)
				}
			}
		})
	}
	clients.Wait()
	if a.log.Count("requests given back") == 0 {
		t.Error("no request has ever waited behind a long one, which this test is about")
	}
	for path, count := range a.begun() {
		if count != 1 && path != "/fast" {
			t.Errorf("%s was begun %d times", path, count)
		}
	}
}

// TestRequestGivenBackWaitsInTheQueue has no worker available for it: the queue timeout limits its
// wait.
func TestRequestGivenBackWaitsInTheQueue(t *testing.T) {
	t.Parallel()
	// The worker must have given the request back before its time is over.
	a := serve(t, ledger, withWorkers(1, 1), func(d *modgw.Descriptor) { d.Queue.Timeout = 5 * time.Second })
	a.knownFast()
	held := a.hold("")
	if got := a.get("/late"); got.status != 503 {
		t.Errorf("got %d %q, %v", got.status, got.body, got.err)
	}
	if a.begun()["/late"] != 0 || a.log.Count("requests given back") != 1 {
		t.Errorf("begun %v", a.begun())
	}
	a.open("hold")
	if got := <-held; got.status != 200 {
		t.Errorf("held: %d %q, %v", got.status, got.body, got.err)
	}
	if got := a.get("/next"); got.status != 200 || a.begun()["/late"] != 0 {
		t.Errorf("afterwards: %d %q, %v, begun %v", got.status, got.body, got.err, a.begun())
	}
}

// TestStuckInterpreterKeepsNoRequestForEver has a worker that cannot give back requests.
func TestStuckInterpreterKeepsNoRequestForEver(t *testing.T) {
	t.Parallel()
	a := serve(t, gates+`
import ctypes
def application(environ, start_response):
    if environ["PATH_INFO"] == "/stuck" and not os.path.exists(os.path.join(ROOT, "held")):
        touch("held")
        ctypes.PyDLL(None).sleep(3600)  # never lets go of the interpreter
    return ok(start_response, "fast")
`, withWorkers(1, 2), func(d *modgw.Descriptor) {
		d.Queue.Timeout, d.Timeouts.Stop = 2*time.Second, 100*time.Millisecond
	})
	a.knownFast()
	old := a.pid(1)
	stuck := make(chan answer, 1)
	go func() { stuck <- a.do("GET", "/stuck", nil) }()
	a.eventually("stuck interpreter", func() bool { return exists(a.path("held")) })
	if got := a.get("/fast"); got.status != 503 {
		t.Errorf("got %d %q, %v", got.status, got.body, got.err)
	}
	if err := syscall.Kill(old, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	a.eventually("replacement", func() bool { p := a.pid(1); return p != 0 && p != old })
	if got := a.get("/fast"); got.status != 200 {
		t.Errorf("afterwards: %d %q, %v", got.status, got.body, got.err)
	}
	<-stuck // it was tried again, if the replacement came before its time in the queue was over
}

func TestKillLosesNoRequestThatWaitsBehindAnother(t *testing.T) {
	t.Parallel()
	a := serve(t, ledger, withWorkers(1, 1))
	a.knownFast()
	old := a.pid(1)
	held := a.hold("")
	results := make(chan answer, 8)
	for i := range cap(results) {
		go func() { results <- a.get("/fast/" + itoa(i)) }()
	}
	a.eventually("requests that wait", func() bool { return a.runner.Status().Queued == cap(results) })
	a.open("hold") // for the second try
	if err := syscall.Kill(old, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for range cap(results) {
		if got := <-results; got.status != 200 {
			t.Errorf("got %d %q, %v", got.status, got.body, got.err)
		}
	}
	<-held
}
