package testbed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/control"
)

// startTime limits the wait for the apps of a host to be ready.
const startTime = 5 * time.Minute

// Bed is a temporary folder with a modgw-host to measure.
type Bed struct {
	Dir     string // absolute path of the folder
	Program string // path of the modgw-host
}

// New returns a bed, which the caller must remove. program is the modgw-host; "": it is built.
func New(ctx context.Context, name, program string) (b Bed, err error) {
	if b.Dir, err = Folder("", name); err != nil {
		return Bed{}, err
	}
	if b.Program, err = HostProgram(ctx, b.Dir, program); err != nil {
		b.Remove()
	}
	return b, err
}

// Remove removes the folder with its content.
func (b Bed) Remove() { _ = os.RemoveAll(b.Dir) } // it is below the system's temporary folder

// Write writes a file below the folder.
func (b Bed) Write(name, text string) error {
	path := filepath.Join(b.Dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o755)
}

// Host is a modgw-host that serves apps.
type Host struct {
	*Program
	Address string          // address of its HTTP listener
	Client  *control.Client // client of its control socket
}

// Serve starts the host with the apps of a descriptor or folder, and returns when all are ready.
func (b Bed) Serve(ctx context.Context, apps string) (h *Host, err error) {
	h = &Host{Client: control.NewClient(modgw.Address("unix:" + filepath.Join(b.Dir, "state/control.sock")))}
	if h.Address, err = FreeAddress(); err != nil {
		return nil, err
	}
	h.Program, err = Start(b.Dir, nil, b.Program, "serve", apps, "--listen", "http="+h.Address, "--state", "state")
	if err != nil {
		return nil, err
	}
	err = h.Await(ctx, startTime, func(context.Context) error {
		if log := h.Log(); !strings.Contains(log, "ready apps=") || !strings.Contains(log, "failed=0") {
			return errors.New("the apps are not ready")
		}
		return nil
	})
	if err != nil {
		h.Stop()
		return nil, fmt.Errorf("%w\n%s", err, h.Log())
	}
	return h, nil
}
