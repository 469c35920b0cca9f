package proc

import (
	"errors"
	"os"

	"github.com/modgw/modgw/internal/addressfilter"
)

// Filter restricts the processes of the scope to granted addresses, and reports denied attempts, as
// described at [addressfilter.New]. It must be called before a process is started in the scope. It
// fails if the scope is not a cgroup, and without root's rights.
func (s *Scope) Filter(rules []addressfilter.Rule, denied func(addressfilter.Attempt)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.folder == nil {
		return errors.New("the processes are in no control group of version 2")
	}
	filter, err := addressfilter.New(rules, denied)
	if err != nil {
		return err
	}
	if err := filter.Attach(int(s.folder.Fd())); err != nil {
		filter.Close()
		return err
	}
	s.filter = filter
	return nil
}

// reopen opens a cgroup that was created again, and applies the filter.
func (s *Scope) reopen(name string) (*os.File, error) {
	folder, err := os.Open(name)
	if err != nil || s.filter == nil {
		return folder, err
	}
	if err := s.filter.Attach(int(folder.Fd())); err != nil {
		return nil, errors.Join(err, folder.Close(), os.Remove(name))
	}
	return folder, nil
}
