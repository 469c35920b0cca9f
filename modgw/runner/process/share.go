package process

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/modgw/runner/workers"
)

var _ workers.Sharing = (*worker)(nil)

// shared describes a worker that another host shares. The files are the folder entry of a Unix
// socket, if the worker is reached by one, and the sockets that reserve its port.
type shared struct {
	Network   string `json:"network"`
	Address   string `json:"address"`
	Inherited bool   `json:"inherited"` // it is the socket that the program has inherited
	Port      int    `json:"port"`      // number of the port that is kept for it
}

// CanShare implements [workers.Sharing].
func (w *worker) CanShare() bool { return true }

// Share implements [workers.Sharing]: a program that serves HTTP serves all who connect.
func (w *worker) Share(files []*os.File) (about any, ours []*os.File, err error) {
	closeFiles(files)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return nil, nil, errors.New("the program has ended")
	}
	a := w.reached
	if a.network == "unix" {
		node, err := unix.FcntlInt(w.inherited.node.Fd(), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			return nil, nil, fmt.Errorf("cannot share the socket of a program: %w", err)
		}
		ours = append(ours, os.NewFile(uintptr(node), "program's socket"))
	}
	for _, s := range w.port.sockets {
		duplicate, err := unix.FcntlInt(s.Fd(), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			closeFiles(ours)
			return nil, nil, fmt.Errorf("cannot share the port of a program: %w", err)
		}
		ours = append(ours, os.NewFile(uintptr(duplicate), "port"))
	}
	return shared{a.network, a.name, a.inherited, w.port.number}, ours, nil
}

// inherit is Launch for a worker of another host.
func (w *worker) inherit() (workers.Process, error) {
	var about shared
	p, files, err := w.Inherit(nil, &about)
	if err != nil {
		return nil, err
	}
	w.pid = p.PID()
	w.reached = address{about.Network, about.Address, about.Inherited}
	if about.Network == "unix" {
		if len(files) == 0 {
			p.Kill()
			return nil, errors.New("the socket of the program is missing")
		}
		w.inherited = &inherited{node: files[0]}
		w.reached.name = workers.PathOf(files[0])
		files = files[1:]
	}
	w.port = &port{about.Port, files}
	return p, nil
}

func closeFiles(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}
