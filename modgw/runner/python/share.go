package python

import (
	"fmt"
	"os"

	"github.com/modgw/modgw/modgw/listen"
	"github.com/modgw/modgw/modgw/runner/workers"
	"github.com/modgw/modgw/modgw/wire"
)

// mostShared is the number of descriptors that a worker can get for another host: one message must
// be able to carry them (SCM_MAX_FD in the kernel), also between the hosts.
const mostShared = 240

// shared describes a worker that another host shares. The files are in this order.
type shared struct {
	Pauses bool `json:"pauses"` // there is the memory for pauses of its interpreter
	Values bool `json:"values"` // there is the memory for the metrics of the app
}

// CanShare implements [workers.Sharing].
func (w *worker) CanShare() bool {
	return w.attached == nil && w.joins == wire.JoinVersion && w.runner.settings.connections < mostShared
}

// Share implements [workers.Sharing]: the worker has one more control connection, and one more
// connection for each thread.
func (w *worker) Share(files []*os.File) (about any, ours []*os.File, err error) {
	s := shared{Pauses: w.pauses != nil, Values: w.values != nil}
	for _, memory := range []*os.File{w.pauses, w.values.Memory()} {
		if memory == nil {
			continue
		}
		file, err := listen.Duplicate(memory, "a worker's measurements")
		if err != nil {
			closeFiles(append(files, ours...))
			return nil, nil, err
		}
		ours = append(ours, file)
	}
	if err := w.Join(files); err != nil {
		closeFiles(ours)
		return nil, nil, fmt.Errorf("cannot have worker %d serve another host: %w", w.Number, err)
	}
	return s, ours, nil
}

// inherit is Launch for a worker of another host.
func (w *worker) inherit() (workers.Process, error) {
	theirs, err := w.connect()
	if err != nil {
		closeFiles(theirs)
		w.disconnect()
		return nil, err
	}
	var about shared
	p, ours, err := w.Inherit(theirs, &about)
	if err != nil {
		w.disconnect()
		return nil, err
	}
	if w.started = w.Started(); about.Pauses && len(ours) > 0 {
		w.pauses, ours = ours[0], ours[1:]
	}
	if about.Values && len(ours) > 0 && w.runner.sharesValues() {
		w.values, ours = w.runner.app.Values.Add(w.Number, ours[0]), ours[1:]
	}
	closeFiles(ours)
	return p, nil
}
