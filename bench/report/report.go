package report

import (
	"encoding/json"
	"os"
	"time"

	"github.com/modgw/modgw/bench/contest"
)

// Report holds all measurements of a run.
type Report struct {
	Command  string            // command line that made the report
	Began    time.Time         // when it began
	Took     time.Duration     // duration of the run
	Rounds   int               // number of rounds
	Window   time.Duration     // length of one measurement in one round
	Machine  Machine           // the machine that it ran on
	Versions map[string]string // versions of the software involved, by name
	Rows     []Row             `json:",omitempty"` // answers under load
	Reloads  []Reload          `json:",omitempty"` // costs of reloads
	Growth   []Growth          `json:",omitempty"` // needs of modgw with many apps and files
	Savings  []Saving          `json:",omitempty"` // times from a save to the new page
	Metering []Metering        `json:",omitempty"` // costs of counting and timing requests
	Calls    []Calls           `json:",omitempty"` // system calls for an answer
}

// Row holds the measurements of one contestant in one situation, as the median of the rounds.
type Row struct {
	Situation
	Contestant string // its name
	// ratio of modgw's answers per second to this contestant's, as the median of the rounds; 0:
	// none
	Ratio float64

	PerSecond float64                  // answers; of long bodies, as many as their bytes make
	Rounds    []float64                // answers a second in each round
	CPU       map[contest.Role]float64 // microseconds for each answer
	ClientCPU float64                  // processor time of the client for a request, microseconds
	Memory    map[contest.Role]int64   // bytes, after the last round
	Latency   Latency                  // times of answers, over all rounds
	// latencies at a fixed rate, as pairs: digits of the quantile (2: 99 %), milliseconds
	Distribution [][2]float64 `json:",omitempty"`
	// bytes of bodies that an answer moves
	Body     int64          `json:",omitempty"`
	Requests int            // in all rounds
	Errors   map[string]int `json:",omitempty"`
	Failed   string         `json:",omitempty"` // why there are no numbers
}

// Situation is the situation that all contestants of a table share.
type Situation struct {
	Work        string        // name of the work
	Site        string        // name of the site
	Front       contest.Front // the server that the client connected to
	Workers     int           // number of workers
	Threads     int           // threads of each worker
	Connections int           // connections of the client
	Slow        int           `json:",omitempty"` // further ones, for a page of a second
	Idle        int           `json:",omitempty"` // further idle connections
	Rate        float64       `json:",omitempty"` // requests a second; 0: as many as are answered
}

// Latency holds the latency of answers in microseconds.
type Latency struct {
	P50, P90, P99, P999, Max float64 // quantiles and the longest
}

// TotalCPU returns the CPU time that all processes of the contestant used for an answer, in
// microseconds.
func (r Row) TotalCPU() (sum float64) {
	for _, used := range r.CPU {
		sum += used
	}
	return sum
}

// TotalMemory returns the memory of all processes of the contestant, in bytes.
func (r Row) TotalMemory() (sum int64) {
	for _, used := range r.Memory {
		sum += used
	}
	return sum
}

// WriteJSON writes the report as JSON.
func (r *Report) WriteJSON(file string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}

// Read reads a file written by [Report.WriteJSON].
func Read(file string) (*Report, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	r := new(Report)
	return r, json.Unmarshal(text, r)
}
