package replay

import (
	"context"
	"sync"
)

// mostRounds is how often a request is sent that differs: what varies seldom shows only then.
const mostRounds = 3

// Config says what to compare.
type Config struct {
	Old      *Server   // the server whose answers are right
	New      *Server   // the server that is to answer alike
	Requests []Request // sent in this order

	// Host is the name for requests that have none. "": that of the URL of the old server.
	Host string

	// Parallel is how many requests are compared at once. 0: four.
	Parallel int

	// Suspects finds likely causes; nil: none are named.
	Suspects func(Result) []Suspect

	// Done is called after each request, by one goroutine at a time; nil: not at all.
	Done func(Result)
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
// end with what was compared when ctx ended.
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
	if r.Host == "" {
		r.Host = c.Old.URL.Host
	}
	result := Result{Request: r, Differences: []Difference{}}
	var old *known
	var answers []Answer // of the new server
	for range mostRounds {
		before := c.Old.Ask(ctx, r)
		answers = append(answers, c.New.Ask(ctx, r))
		after := c.Old.Ask(ctx, r)
		for _, a := range []Answer{before, after} {
			switch {
			case a.Err != nil:
				result.Failed = "the old server: " + printable(a.Err.Error())
				return result
			case old == nil:
				old = newKnown(c.Old, r, a)
			default:
				old.learn(a)
			}
		}
		result.Status = old.first.Status
		if c.judge(&result, old, answers); result.Alike() {
			return result
		}
	}
	if c.Suspects != nil {
		result.Suspects = c.Suspects(result)
	}
	return result
}

// judge compares all answers of the new server with what is known by now.
func (c *Config) judge(result *Result, old *known, answers []Answer) {
	result.Differences, result.Unsteady = []Difference{}, false
	alike := 0
	for _, n := range answers {
		found := old.differences(c.New, n)
		if len(found) == 0 {
			alike++
		} else if len(result.Differences) == 0 {
			result.Differences = found
		}
	}
	result.Unsteady = alike > 0 && len(result.Differences) > 0
}
