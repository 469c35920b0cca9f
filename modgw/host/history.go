package host

import (
	"io"
	"math"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/history"
	"github.com/modgw/modgw/modgw/masking"
	"github.com/modgw/modgw/modgw/meter"
	"github.com/modgw/modgw/modgw/upgrade"
)

// readFigures reads the figures of all apps, or only of apps that had a request.
func (h *Host) readFigures(all bool, yield func(modgw.AppName, history.Figures)) {
	meters := h.meters()
	if all {
		for _, s := range h.gateway.Status() {
			yield(s.App, figuresOf(&s, meters[s.App]))
		}
		return
	}
	for name, counted := range meters {
		if s, err := h.gateway.AppStatus(name); err == nil { // it may have been removed
			yield(name, figuresOf(&s, counted))
		}
	}
}

// figuresOf are the figures of an app now; counted is nil for one that had no request.
func figuresOf(s *modgw.AppStatus, counted *meter.App) history.Figures {
	f := history.Figures{
		Time: time.Now(), Runner: s.Runner, Waiting: s.Waiting, Processor: processorTimes(s.Runner.Workers),
	}
	if counted == nil {
		return f
	}
	counted.EachCode(func(code string, n uint64) {
		f.Requests += n
		if code[0] == '5' {
			f.Failed += n
		}
	})
	f.Durations, f.Queue = counted.Duration.Read(), counted.Queue.Read()
	return f
}

// shape returns the properties of an app other than its code; false: it has no generation.
func (h *Host) shape(name modgw.AppName) (history.Shape, bool) {
	s, err := h.gateway.AppStatus(name)
	r := h.reconciler(name)
	if err != nil || s.Generation == nil || r == nil {
		return history.Shape{}, false
	}
	shape := history.Shape{Settings: map[string]string{}, Packages: s.Generation.Environment.Packages}
	for _, setting := range masking.Flat(r.descriptor()) {
		shape.Settings[setting.Name] = setting.Value
	}
	return shape, true
}

// openHistory makes memory by which a host passes its history on.
func openHistory() (*os.File, error) {
	fd, err := unix.MemfdCreate("history", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), "history"), nil
}

// saveHistory writes the history for the successor to read. If that fails, the successor begins
// without one.
func (h *Host) saveHistory(passed []upgrade.OpenSocket) {
	for _, s := range passed {
		if s.Role != upgrade.History {
			continue
		}
		if err := h.history.Save(s.File); err != nil {
			h.log.Warn("figures not passed to the new host", "error", err.Error())
		}
	}
}

// restoreHistory goes on with the history of the host before; nil: it has not passed any.
func (h *Host) restoreHistory(saved *os.File) {
	if saved == nil {
		return
	}
	// The other host shares the file offset with this file, so read by position.
	if err := h.history.Restore(io.NewSectionReader(saved, 0, math.MaxInt64)); err != nil {
		h.log.Warn("figures not taken over", "error", err.Error())
	}
}
