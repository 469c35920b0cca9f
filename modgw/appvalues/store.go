package appvalues

import (
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// maxSeries is the largest number of series of an app.
const maxSeries = 10_000

// Store has the values of the workers of one app, of all its generations. Its zero value has none.
type Store struct {
	mu      sync.Mutex
	workers []*Worker          // in the order of their starts
	retired map[string]*Series // values of workers that have ended, by id
	dropped uint64             // values of theirs that were dropped
}

// Worker is the memory of one worker.
type Worker struct {
	store  *Store
	number int // number of the worker
	memory *os.File
	reader reader // reads memory; used with the store's mutex held
}

// Series is the value of a series, over all workers.
type Series struct {
	Type   string   // "counter", "gauge", "histogram" or "summary"
	Metric string   // name of the metric
	Name   string   // name of the sample, such as the metric's with "_total" or "_bucket"
	Help   string   // text about the metric
	Labels []string // names of its labels
	Values []string // their values
	Worker int      // number of the worker with the value; 0: it is the sum of all
	Value  float64  // number that is shown

	mode string
	time float64 // when it was set, for the mode "mostrecent"
}

// Add makes a worker's memory a part of the store until Retire. The file belongs to the store.
func (s *Store) Add(number int, memory *os.File) *Worker {
	w := &Worker{store: s, number: number, memory: memory, reader: reader{memory: memory}}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.workers = append(s.workers, w)
	return w
}

// Memory returns the file that the worker writes to; nil for nil.
func (w *Worker) Memory() *os.File {
	if w == nil {
		return nil
	}
	return w.memory
}

// Retire keeps the sums of a worker that has ended, and lets its memory go. It may be called again,
// and for nil.
func (w *Worker) Retire() {
	if w == nil {
		return
	}
	s := w.store
	s.mu.Lock()
	defer s.mu.Unlock()
	at := slices.Index(s.workers, w)
	if at < 0 {
		return
	}
	s.workers = slices.Delete(s.workers, at, at+1)
	entries, dropped := w.reader.read()
	s.dropped += dropped
	if s.retired == nil {
		s.retired = map[string]*Series{}
	}
	for i := range entries {
		if e := &entries[i]; e.outlives() {
			s.dropped += merge(s.retired, e, 0)
		}
	}
	_ = w.memory.Close() // it was only read
}

// Read returns the series, and how many values were dropped because there were too many, or they
// were not right.
func (s *Store) Read() (series []*Series, dropped uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make(map[string]*Series, len(s.retired))
	for id, retired := range s.retired {
		copied := *retired
		all[id] = &copied
	}
	dropped = s.dropped
	for _, w := range s.workers {
		entries, lost := w.reader.read()
		dropped += lost
		for i := range entries {
			dropped += merge(all, &entries[i], w.number)
		}
	}
	for _, one := range all {
		series = append(series, one)
	}
	return series, dropped
}

// outlives reports whether a value counts after its worker has ended: those of gauges with that
// mode, and all that only grow.
func (e *entry) outlives() bool {
	if e.key.Type != "gauge" {
		return true
	}
	switch e.key.Mode {
	case "min", "max", "mostrecent":
		return true
	}
	return false
}

// merge adds a value to the series that it belongs to, and returns 1 if it had to be dropped.
func merge(all map[string]*Series, e *entry, number int) (dropped uint64) {
	isGauge := e.key.Type == "gauge"
	switch {
	case isGauge && math.IsNaN(e.value):
		return 0 // the app has removed it
	case !isGauge && !(e.value >= 0) && !strings.HasSuffix(e.key.Name, "_sum"):
		return 1 // a count is a number, and not below zero
	}
	id, mode := e.id, strings.TrimPrefix(e.key.Mode, "live")
	if isGauge && (mode == "all" || mode == "") {
		id += "\x00" + strconv.Itoa(number)
	} else {
		number = 0
	}
	s := all[id]
	switch {
	case s == nil && len(all) >= maxSeries, s != nil && (s.Type != e.key.Type || s.mode != e.key.Mode):
		return 1
	case s == nil:
		all[id] = &Series{
			Type: e.key.Type, Metric: e.key.Metric, Name: e.key.Name, Help: e.key.Help, Labels: e.key.Labels,
			Values: e.key.Values, Worker: number, Value: e.value, mode: e.key.Mode, time: e.time,
		}
	case !isGauge, mode == "sum":
		s.Value += e.value
	case mode == "min":
		s.Value = math.Min(s.Value, e.value)
	case mode == "max":
		s.Value = math.Max(s.Value, e.value)
	case e.time >= s.time: // the most recent one, or the one of the worker that has the number now
		s.Value, s.time = e.value, e.time
	}
	return 0
}
