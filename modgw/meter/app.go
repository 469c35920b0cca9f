package meter

import (
	"sync"
	"sync/atomic"
	"time"
)

// App counts the requests of one app. Its zero value has counted nothing.
type App struct {
	Duration Histogram // from the head of a request to the end of its response
	Queue    Histogram // from the head of a request until a worker got it
	Front    Histogram // from when the web server in front had a request until the host had it

	Received atomic.Uint64 // bytes of bodies of requests
	Sent     atomic.Uint64 // bytes of bodies of responses
	Uploads  atomic.Uint64 // requests with a body
	Broken   atomic.Uint64 // responses that were broken off
	Retries  atomic.Uint64 // how often a request was given to another worker

	// Slow are responses for whose client the host waited for longer than SlowClient after the app
	// was done, and SlowFor how long it waited for these, in nanoseconds.
	Slow    atomic.Uint64
	SlowFor atomic.Int64

	// Clients finds the one that sends most of the requests.
	Clients Clients

	Upgrades atomic.Uint64 // connections that became another protocol, such as WebSocket
	Upgraded atomic.Int64  // open ones among them

	codes  [codeCount]atomic.Uint64
	causes sync.Map // numbers of requests that failed, *atomic.Uint64, by cause
}

// Request has the counted facts about a request that has ended.
type Request struct {
	Status int           // status of the response; 0: there was none
	Cause  string        // why it failed, one of a bounded number of causes; "": it did not
	Took   time.Duration // from its head to the end of its response
	// the response may have lasted forever, so that its duration is meaningless
	Endless bool
	Given   bool          // a worker got the request
	Queued  time.Duration // until a worker got it, the last one that did
	// until the host had it, from when the web server in front had; 0: unknown
	Front    time.Duration
	Received int64 // bytes of its body
	Sent     int64 // bytes of the body of its response
	Broken   bool  // the response was broken off
	Tries    int   // how many workers got it

	Client         time.Duration // from the last byte of the app until the client had all
	Address, Agent string        // the client's address, and its User-Agent; valid during Count
}

// SlowClient is from when on a client is a slow one.
const SlowClient = time.Second

// Count counts a request that has ended.
func (a *App) Count(r *Request) {
	if n := a.codes[codeIndex(r.Status)].Add(1); n%noticedEvery == 0 {
		a.Clients.notice(r.Address, r.Agent)
	}
	if !r.Endless {
		a.Duration.Observe(r.Took)
	}
	if r.Given {
		a.Queue.Observe(r.Queued)
	}
	if r.Front > 0 {
		a.Front.Observe(r.Front)
	}
	if r.Received > 0 {
		a.Uploads.Add(1)
		a.Received.Add(uint64(r.Received))
	}
	if r.Sent > 0 {
		a.Sent.Add(uint64(r.Sent))
	}
	if r.Broken {
		a.Broken.Add(1)
	}
	if r.Client > SlowClient && !r.Endless {
		a.Slow.Add(1)
		a.SlowFor.Add(int64(r.Client))
	}
	if r.Tries > 1 {
		a.Retries.Add(uint64(r.Tries - 1))
	}
	if r.Cause != "" {
		a.countCause(r.Cause)
	}
}

func (a *App) countCause(cause string) {
	n, ok := a.causes.Load(cause)
	if !ok {
		n, _ = a.causes.LoadOrStore(cause, new(atomic.Uint64))
	}
	n.(*atomic.Uint64).Add(1)
}

// EachCode calls yield with the number of requests for each status that there was, as a label has
// it. See [CodeLabel].
func (a *App) EachCode(yield func(code string, n uint64)) {
	for i := range a.codes {
		if n := a.codes[i].Load(); n > 0 {
			yield(codeLabels[i], n)
		}
	}
}

// EachCause calls yield with the number of requests for each cause that there was.
func (a *App) EachCause(yield func(cause string, n uint64)) {
	a.causes.Range(func(cause, n any) bool {
		yield(cause.(string), n.(*atomic.Uint64).Load())
		return true
	})
}
