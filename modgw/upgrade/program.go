package upgrade

import (
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/modgw/modgw/internal/safepath"
	"github.com/modgw/modgw/modgw"
)

// Program is an open program. It is executed as it was when it was opened and judged, even if
// another file has its path by then.
type Program struct {
	path string
	file *os.File
}

// OpenProgram opens a program that may become the host: only root and the user of this process may
// be able to change the program or its path. An error is a *[modgw.Fault].
func OpenProgram(path string) (*Program, error) {
	p := &Program{path: path}
	var err error
	if !filepath.IsAbs(path) {
		err = errors.New("its path is not absolute")
	} else {
		err = p.open()
	}
	if err != nil {
		return nil, &modgw.Fault{
			Code:    "MGW-HST-028",
			Summary: fmt.Sprintf("cannot become %q", path),
			Err:     err,
			Hint:    "name a modgw-host for this machine that only root, or the user of the host, can change",
		}
	}
	return p, nil
}

func (p *Program) open() error {
	opened, err := safepath.Opener{}.Open(p.path)
	if err != nil {
		return err
	}
	p.file = opened.File
	if err := judge(opened); err != nil {
		p.Close()
		return err
	}
	return nil
}

// judge returns the reason why a file cannot be the program of the host, or nil if it can.
func judge(f *safepath.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	owner, known := info.Sys().(*syscall.Stat_t)
	switch {
	case !info.Mode().IsRegular():
		return errors.New("it is no regular file")
	case f.Loose.Path != "":
		return errors.New(f.Loose.String())
	case !f.Writers.RootAlone():
		return errors.New(safepath.Reasons(f.Steps))
	case !known || owner.Uid != 0 && int(owner.Uid) != os.Geteuid():
		return errors.New("it belongs to another user")
	case info.Mode().Perm()&0o022 != 0:
		return fmt.Errorf("others can change it: its mode is %#o", info.Mode().Perm())
	case info.Mode().Perm()&0o111 == 0:
		return fmt.Errorf("it is not executable: %w", fs.ErrPermission)
	}
	header, err := elf.NewFile(f)
	if err != nil {
		return fmt.Errorf("it is no program: %w", err)
	}
	return header.Close()
}

// Close closes the program.
func (p *Program) Close() { p.file.Close() }

// executable returns a path by which this process, and a process that it forks, can execute the
// program.
func (p *Program) executable() string { return fmt.Sprintf("/proc/self/fd/%d", p.file.Fd()) }
