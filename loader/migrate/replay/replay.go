package replay

import (
	"context"
	"sync"
)

// mostRounds is how often a request with differences is sent: rare variations show only then.
const mostRounds = 3

// Config describes the comparison.
type Config struct {
	Plain    Pair      // the servers without TLS
	Secure   Pair      // the servers with TLS
	Requests []Request // sent in this order

	// Host is the name for requests that have none. "": that of the URL of the old server.
	Host string

	// Parallel is the number of requests that are compared at once. 0: four.
	Parallel int

	// Suspects finds likely causes; nil: none are named.
	Suspects func(Result) []Suspect

	// Done is called after each request, by one goroutine at a time; nil: not at all.
	Done func(Result)
}

// Pair has the addresses of both servers for one scheme. The zero value means none; the requests go
// to the other pair then.
type Pair struct {
	Old *Server // the server whose answers are right
	New *Server // the server that is to answer alike
}

// pair is the one for a request.
func (c *Config) pair(r Request) Pair {
	if r.Secure && c.Secure.Old != nil || c.Plain.Old == nil {
		return c.Secure
	}
	return c.Plain
}

// Result is the outcome of one request.
type Result struct {
	Request
	// status of the old server; 0: it has not answered
	Status      int          `json:"status"`
	Failed      string       `json:"failed,omitempty"`   // why there is nothing to compare with
	Differences []Difference `json:"differences"`        // empty: alike
	Unsteady    bool         `json:"unsteady,omitempty"` // some answers of the new server are alike
	Suspects    []Suspect    `json:"suspects,omitempty"`
}

// Alike reports whether the answers were compared and do not differ.
func (r Result) Alike() bool { return r.Failed == "" && len(r.Differences) == 0 }

// Replay compares the answers to all requests. The results are in the order of the requests, and
// end with the last one compared before ctx ended.
func Replay(ctx context.Context, c Config) []Result {
	parallel := c.Parallel
	if parallel == 0 {
		parallel = 4
	}
	results := make([]Result, len(c.Requests))
	done := make([]bool, len(c.Requests))
	next := make(chan int)
	var running sync.WaitGroup
	var reporting sync.Mutex
	for range parallel {
		running.Go(func() {
			for i := range next {
				result := c.one(ctx, c.Requests[i])
				if ctx.Err() != nil {
					continue
				}
				results[i], done[i] = result, true
				if c.Done != nil {
					reporting.Lock()
					c.Done(result)
					reporting.Unlock()
				}
			}
		})
	}
	for i := range c.Requests {
		select {
		case next <- i:
		case <-ctx.Done():
		}
	}
	close(next)
	running.Wait()
	return completed(results, done)
}

func completed(results []Result, done []bool) []Result {
	kept := results[:0]
	for i, r := range results {
		if done[i] {
			kept = append(kept, r)
		}
	}
	return kept
}

// one compares the answers to one request. The new server is asked between two questions to the
// old one, so that a time which only the new one's answer has would be seen as a difference.
func (c *Config) one(ctx context.Context, r Request) Result {
	if r.Host == "" {
		r.Host = c.Host
	}
	servers := c.pair(r)
	if r.Host == "" {
		r.Host = servers.Old.URL.Host
	}
	result := Result{Request: r, Differences: []Difference{}}
	var old *known
	var answers []Answer // of the new server
	for range mostRounds {
		before := servers.Old.Ask(ctx, r)
		answers = append(answers, servers.New.Ask(ctx, r))
		after := servers.Old.Ask(ctx, r)
		for _, a := range []Answer{before, after} {
			switch {
			case a.Err != nil:
				result.Failed = "the old server: " + printable(a.Err.Error())
				return result
			case old == nil:
				old = newKnown(servers.Old, r, a)
			default:
				old.learn(a)
			}
		}
		result.Status = old.first.Status
		if result.judge(old, servers.New, answers); result.Alike() {
			return result
		}
	}
	if c.Suspects != nil {
		result.Suspects = c.Suspects(result)
	}
	return result
}

// judge compares all answers of the new server with those of the old one.
func (r *Result) judge(old *known, s *Server, answers []Answer) {
	r.Differences, r.Unsteady = []Difference{}, false
	alike := 0
	for _, n := range answers {
		found := old.differences(s, n)
		if len(found) == 0 {
			alike++
		} else if len(r.Differences) == 0 {
			r.Differences = found
		}
	}
	r.Unsteady = alike > 0 && len(r.Differences) > 0
}
