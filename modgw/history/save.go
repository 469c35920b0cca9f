package history

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/modgw/modgw/modgw"
)

// saved is the history of an app, as one host writes it for the next.
type saved struct {
	App     modgw.AppName `json:"app"`
	Times   []int64       `json:"times"`   // milliseconds since 1970, oldest first
	Values  []byte        `json:"values"`  // 32-bit floats: all series of a point, then the next
	Deploys []Deploy      `json:"deploys"` // oldest first
}

// Save writes the history up to now, for [History.Restore] in another process.
func (h *History) Save(w io.Writer) error {
	out := json.NewEncoder(w)
	if err := out.Encode(AllSeries()); err != nil {
		return err
	}
	h.mu.Lock()
	h.sample(false)
	names := slices.Collect(maps.Keys(h.apps))
	h.mu.Unlock()
	for _, name := range names {
		if err := out.Encode(h.saved(name)); err != nil {
			return err
		}
	}
	return nil
}

// saved returns the history of an app, which may have been removed.
func (h *History) saved(name modgw.AppName) saved {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := saved{App: name}
	if a := h.apps[name]; a != nil {
		s.Deploys = slices.Clone(a.deploys)
		a.points.after(time.Time{}, func(at int64, values []float32) {
			s.Times = append(s.Times, at)
			s.Values, _ = binary.Append(s.Values, binary.LittleEndian, values) // has a fixed size
		})
	}
	return s
}

// Restore inserts the saved history of an earlier host before the points that exist here. Series
// that the earlier host did not have are unknown.
func (h *History) Restore(r io.Reader) error {
	in := json.NewDecoder(r)
	var series []Series
	if err := in.Decode(&series); err != nil {
		return fmt.Errorf("cannot read which figures an earlier host has kept: %w", err)
	}
	columns := make([]int, len(definitions)) // of theirs, for each of ours
	for i, d := range definitions {
		columns[i] = slices.IndexFunc(series, func(s Series) bool { return s.Name == d.Name })
	}
	for {
		var s saved
		err := in.Decode(&s)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = h.restore(s, columns, len(series))
		}
		if err != nil {
			return fmt.Errorf("cannot read the figures of an earlier host: %w", err)
		}
	}
}

// restore inserts the saved history of an app before its points here. Each saved point has width
// values; columns maps the series here to the saved values, with a negative index for missing ones.
func (h *History) restore(s saved, columns []int, width int) error {
	theirs := make([]float32, len(s.Times)*width)
	if n, err := binary.Decode(s.Values, binary.LittleEndian, theirs); err != nil || n != len(s.Values) {
		return fmt.Errorf("app %q has %d points in %d bytes", s.App, len(s.Times), len(s.Values))
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	a := h.app(s.App)
	a.deploys = append(s.Deploys, a.deploys...)
	a.deploys = a.deploys[max(0, len(a.deploys)-mostDeploys):]
	if !a.points.last().IsZero() {
		return nil // it has been sampled here
	}
	values := make([]float32, len(columns))
	for i, at := range s.Times {
		for j, column := range columns {
			values[j] = float32(unknown)
			if column >= 0 {
				values[j] = theirs[i*width+column]
			}
		}
		a.points.add(time.UnixMilli(at), values)
	}
	return nil
}
