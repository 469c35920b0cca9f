package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/modgw/modgw/bench/contest"
)

// Event is an event that occurs while requests arrive at a fixed rate.
type Event string

const (
	Good       Event = "good code"                    // good code is saved
	BadCode    Event = "SyntaxError, fixed after 3 s" // broken code is saved, and then good code
	Dependency Event = "dependency"                   // a dependency is added
	Killed     Event = "worker killed"                // a worker is killed
	// good code is saved while a request runs
	InFlight Event = "good code, a request of 3 s in flight"
)

// Reload is the cost of an event.
type Reload struct {
	Event      Event         // the event
	Workers    int           // number of workers
	Front      contest.Front // the server that the client connected to
	Contestant string        // its name
	Rate       float64       // requests a second

	Answered int     // right answers
	Lost     int     // without any answer
	Wrong    int     // answered with another status than 200
	Long     string  `json:",omitempty"` // how the request in flight ended
	Before   Latency // without the event
	During   Latency // times of answers from the event on
	// microseconds of the slowest answer, for each occurrence of the event
	Slowest []float64 `json:",omitempty"`
	NewCode float64   // milliseconds from saving until a page of the new code came; 0: none did
	// number of log records, after broken code, that the generation was not started,
	Told   int    `json:",omitempty"`
	Placed int    `json:",omitempty"` // and number of those with file and line
	Failed string `json:",omitempty"` // why there are no numbers
}

// Added returns how much longer than usual the slowest request took, in milliseconds. If the event
// occurred several times, it is the median.
func (r Reload) Added() float64 { return max(0, Median(r.Slowest)-r.Before.P50) / 1000 }

// again reports the times that are not the median.
func (r Reload) again() string {
	if len(r.Slowest) < 2 {
		return ""
	}
	low, high := slices.Min(r.Slowest), slices.Max(r.Slowest)
	return fmt.Sprintf(" (%.0f to %.0f)", max(0, low-r.Before.P50)/1000, max(0, high-r.Before.P50)/1000)
}

func (r Reload) title() string {
	return fmt.Sprintf("%s, %s, %.0f requests a second", r.Event, plural(r.Workers, "worker"), r.Rate)
}

func (r *Report) writeReloads(out *strings.Builder) {
	title := ""
	for _, row := range r.Reloads {
		if last := title; last != row.title() {
			title = row.title()
			fmt.Fprintf(out, "\n### %s\n\n", title)
			out.WriteString("| server | answered | lost | not 200 | p99 ms | slowest, added ms | new code after ms | long request |\n|---|--:|--:|--:|--:|--:|--:|---|\n")
		}
		if row.Failed != "" {
			fmt.Fprintf(out, "| %s | – | | | | | | %s |\n", row.Contestant, firstLine(row.Failed))
			continue
		}
		fmt.Fprintf(out, "| %s | %d | %d | %d | %s | %.0f%s | %s | %s |\n", row.Contestant, row.Answered, row.Lost, row.Wrong,
			milliseconds(row.During.P99), row.Added(), row.again(), nonzero("%.0f", row.NewCode), row.Long)
	}
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
