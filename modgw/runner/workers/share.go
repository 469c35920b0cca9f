package workers

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/modgw"
)

// joinTime is how long a worker of another host may take to serve this one too. A worker whose
// threads are all busy for longer stays with the other host, and another one is started.
const joinTime = 3 * time.Second

// Sharing is a [Driver] whose process another host can have as well, while that replaces this one.
type Sharing interface {
	// CanShare reports whether the process can serve another host. Ready has returned.
	CanShare() bool

	// Share makes the process serve another host, which passes the files for it. It closes them.
	// about is data for the driver of the other host, as JSON, and ours are the files that it
	// needs.
	Share(files []*os.File) (about any, ours []*os.File, err error)

	// Give leaves to the other host the resources that only one of them may clean up.
	Give()
}

// sharedProcess is a [Process] that two hosts can have.
type sharedProcess interface {
	Share() (proc.Shared, error)
	Give()
	Own() (owns bool, err error)
	ReadOutput()
	Release() bool
	IsLeft() bool
}

var _ sharedProcess = (*proc.Process)(nil)

// sharing is the relation of a worker to another host.
type sharing struct {
	shared    bool      // the other host has it as well, or has taken it over
	inherited bool      // it was that one's
	started   time.Time // when its process began to start, maybe for the other host
}

// Give is the default of a [Sharing] with nothing to clean up.
func (w *Worker) Give() {}

// Inherits reports whether the process of the worker is to be asked for by Inherit.
func (w *Worker) Inherits() bool { return w.sharing.inherited }

// Inherit asks for the process of the worker, and passes it the files, which are closed. about is
// filled with the data of the other driver. The caller must close the returned files.
func (w *Worker) Inherit(files []*os.File, about any) (Process, []*os.File, error) {
	var spec proc.Spec
	w.Fill(&spec)
	if w.pool.config.Sandbox.lacksFilter() {
		closeFiles(files)
		return nil, nil, errors.New("this host cannot hold it to the addresses that its sandbox lists")
	}
	s, err := w.pool.config.Runner.Inherit(w.Number, files)
	if err != nil {
		return nil, nil, err
	}
	own := s.Files[:min(len(s.Files), proc.SharedFiles)]
	theirs := s.Files[len(own):]
	if err := json.Unmarshal(s.Program, about); err != nil {
		s.Close()
		return nil, nil, fmt.Errorf("cannot read what the other host says of its worker: %w", err)
	}
	p, err := proc.Inherit(spec, proc.Shared{PID: s.PID, Mark: s.Mark, Files: own})
	if err != nil {
		closeFiles(theirs)
		return nil, nil, err
	}
	w.sharing.started = s.Started
	w.recycle.finished.Store(int64(s.Requests))
	w.recycle.requestBegan()
	return p, theirs, nil
}

// Started is when the worker began to start, maybe for another host.
func (w *Worker) Started() time.Time { return w.sharing.started }

func closeFiles(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

// takeInheritance reports whether a worker may be another host's: of each number, the first that is
// started while that one serves.
func (p *Pool) takeInheritance(number int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.config.Runner.Inherit == nil || p.asked[number] {
		return false
	}
	p.asked[number] = true
	return true
}

// Shareable implements [modgw.Sharer].
func (p *Pool) Shareable() (numbers []int) {
	for _, w := range p.tracked() {
		if _, ok := w.canShare(); ok && !slices.Contains(numbers, w.Number) {
			numbers = append(numbers, w.Number)
		}
	}
	return numbers
}

// canShare returns the driver of a worker that another host can have. One that sleeps is to be
// woken before Share.
func (w *Worker) canShare() (Sharing, bool) {
	driver, ok := w.driver.(Sharing)
	_, shareable := w.process.(sharedProcess)
	learns := w.pool.config.Runner.Descriptor.Sandbox
	if !ok || !shareable || w.attached || learns != nil && learns.Learn || !w.isReady() && !w.isIn(Asleep) {
		return nil, false
	}
	return driver, driver.CanShare()
}

// Share implements [modgw.Sharer].
func (p *Pool) Share(number int, files []*os.File) (modgw.SharedWorker, error) {
	for _, w := range p.tracked() {
		if w.Number != number {
			continue
		}
		if driver, ok := w.canShare(); ok {
			return w.share(driver, files)
		}
	}
	closeFiles(files)
	return modgw.SharedWorker{}, errors.New("there is no such worker that could be shared")
}

func (w *Worker) share(driver Sharing, files []*os.File) (modgw.SharedWorker, error) {
	p, err := w.process.(sharedProcess).Share()
	if err != nil {
		closeFiles(files)
		return modgw.SharedWorker{}, err
	}
	s := modgw.SharedWorker{
		Number: w.Number, PID: p.PID, Mark: p.Mark, Files: p.Files,
		Started: w.sharing.started, Requests: w.recycle.countFinished(),
	}
	about, ours, err := driver.Share(files)
	s.Files = append(s.Files, ours...)
	if err == nil {
		s.Program, err = json.Marshal(about)
	}
	if err != nil {
		s.Close()
		return modgw.SharedWorker{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sharing.shared = true
	return s, nil
}

// Give implements [modgw.Sharer].
func (p *Pool) Give(pids []int) {
	for _, w := range p.tracked() {
		if w.isShared() && slices.Contains(pids, w.process.PID()) {
			w.process.(sharedProcess).Give()
			w.driver.(Sharing).Give()
		}
	}
}

// Own implements [modgw.Sharer].
func (p *Pool) Own() (pids []int) {
	for _, w := range p.tracked() {
		if !w.sharing.inherited {
			continue
		}
		owns, err := w.process.(sharedProcess).Own()
		if owns {
			pids = append(pids, w.process.PID())
		}
		if err != nil {
			w.Want(fmt.Sprintf("it cannot be this host's: %v", err))
		}
	}
	return pids
}

// ReadOutput implements [modgw.Sharer].
func (p *Pool) ReadOutput() {
	for _, w := range p.tracked() {
		if w.sharing.inherited {
			w.process.(sharedProcess).ReadOutput()
		}
	}
}

// isShared reports whether another host has the process as well, or has it by now.
func (w *Worker) isShared() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sharing.shared
}

// isLeft reports whether another host has the process of the worker, and sees to it.
func (w *Worker) isLeft() bool {
	p, ok := w.process.(sharedProcess)
	return ok && p.IsLeft()
}

// release detaches a process that another host has. It reports false if it is this host's own.
func (w *Worker) release() bool {
	p, ok := w.process.(sharedProcess)
	return ok && p.Release()
}
