package load

import "time"

// Protocol is the way in which a connection is used.
type Protocol string

const (
	HTTP      Protocol = "http"      // a request, its response, and again
	WebSocket Protocol = "websocket" // after a handshake, a message and its echo, and again
	Events    Protocol = "events"    // one request whose response is an event stream without end
)

// Job is a measurement.
type Job struct {
	Address     string   // HOST:PORT
	Protocol    Protocol // how the connections are used
	Path        string   // target of the requests
	Upload      int64    // bytes of a request's body; 0: GET without a body
	Length      int64    // bytes of a right response
	Connections int      // connections that are counted
	Idle        int      // further connections, which send one request and are then kept open
	// further connections, which request SlowPath again and again and are not counted
	Slow     int
	SlowPath string // path of a response of the same length
	// requests per second over all connections; 0: each connection sends one as soon as it has the
	// answer
	Rate     float64
	Warmup   time.Duration // not counted
	Duration time.Duration // counted
	CPU      int           // the processor to run on, from 1; 0: any
}

// Result holds the observations of a job from the end of its warm-up on.
type Result struct {
	Answered   int            // right answers
	Errors     map[string]int // number of occurrences of each error
	Reconnects int            // connections that the server closed
	In, Out    int64          // bytes of bodies, including those of unfinished requests
	Elapsed    time.Duration  // time from the end of the warm-up to the end
	CPU        time.Duration  // processor time that the client used
	Latency    Histogram      // latency of right answers

	Start time.Duration // by CLOCK_MONOTONIC
	Pace  []int         // answers in each [PaceStep] since then
}

// PaceStep is the resolution at which a result records the times of answers.
const PaceStep = 5 * time.Millisecond

// Between returns the number of answers between two times of CLOCK_MONOTONIC.
func (r Result) Between(from, to time.Duration) (answers int) {
	for step, n := range r.Pace {
		if at := r.Start + time.Duration(step)*PaceStep; at >= from && at < to {
			answers += n
		}
	}
	return answers
}

// Failed returns the number of requests without a right answer.
func (r Result) Failed() (n int) {
	for _, times := range r.Errors {
		n += times
	}
	return n
}
