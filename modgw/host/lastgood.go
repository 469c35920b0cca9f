package host

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/modgw/modgw/internal/atomicfile"
	"github.com/modgw/modgw/modgw"
)

// lastGood keeps the descriptor with which each app was last served. The app is served with it
// when the host is restarted with a broken descriptor. Descriptors contain secrets, so only the
// host's own user can read the files.
type lastGood struct {
	dir string
	log *slog.Logger

	mu      sync.Mutex
	pending map[modgw.AppName]*modgw.Descriptor // to be written; nil: to be removed
	wake    chan struct{}                       // has one element when pending has any
}

// finalWriteTimeout is how long writing may take when the host ends.
const finalWriteTimeout = 2 * time.Second

func newLastGood(state string, log *slog.Logger) *lastGood {
	return &lastGood{
		dir:     filepath.Join(state, "descriptors"),
		log:     log,
		pending: map[modgw.AppName]*modgw.Descriptor{},
		wake:    make(chan struct{}, 1),
	}
}

// goodRecord is the content of a file.
type goodRecord struct {
	Shape      string           `json:"shape"`
	Descriptor modgw.Descriptor `json:"descriptor"`
}

// store has the descriptor of an app written soon.
func (g *lastGood) store(d modgw.Descriptor) { g.enqueue(d.Name, &d) }

// remove has the descriptor of an app removed soon.
func (g *lastGood) remove(app modgw.AppName) { g.enqueue(app, nil) }

func (g *lastGood) enqueue(app modgw.AppName, d *modgw.Descriptor) {
	g.mu.Lock()
	g.pending[app] = d
	g.mu.Unlock()
	select {
	case g.wake <- struct{}{}:
	default:
	}
}

// run writes and removes descriptors until ctx is done, and then those that are pending.
func (g *lastGood) run(ctx context.Context) {
	for {
		select {
		case <-g.wake:
			g.writePending(ctx)
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), finalWriteTimeout)
			defer cancel()
			g.writePending(last)
			return
		}
	}
}

// writePending writes pending descriptors, until ctx is done.
func (g *lastGood) writePending(ctx context.Context) {
	for ctx.Err() == nil {
		app, d, ok := g.takePending()
		if !ok {
			return
		}
		if err := g.writeRecord(app, d); err != nil {
			g.log.Warn("last good descriptor not kept", "app", app, "error", err.Error())
		}
	}
}

func (g *lastGood) takePending() (modgw.AppName, *modgw.Descriptor, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for app, d := range g.pending {
		delete(g.pending, app)
		return app, d, true
	}
	return "", nil, false
}

func (g *lastGood) writeRecord(app modgw.AppName, d *modgw.Descriptor) error {
	if d == nil {
		if err := os.Remove(g.path(app)); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	text, err := json.Marshal(goodRecord{descriptorShape(), *d})
	if err != nil {
		return err
	}
	if old, err := os.ReadFile(g.path(app)); err == nil && bytes.Equal(old, text) {
		return nil
	}
	if err := os.MkdirAll(g.dir, 0o700); err != nil {
		return err
	}
	return atomicfile.Write(g.path(app), text, 0o600)
}

// read returns the descriptor of an app; false when there is none. An error means that there is
// one that cannot be used.
func (g *lastGood) read(app modgw.AppName) (modgw.Descriptor, bool, error) {
	text, err := os.ReadFile(g.path(app))
	if errors.Is(err, fs.ErrNotExist) {
		return modgw.Descriptor{}, false, nil
	}
	if err != nil {
		return modgw.Descriptor{}, false, err
	}
	var r goodRecord
	if err := json.Unmarshal(text, &r); err != nil {
		return modgw.Descriptor{}, false, fmt.Errorf("cannot read %q: %w", g.path(app), err)
	}
	if r.Shape != descriptorShape() {
		return modgw.Descriptor{}, false, fmt.Errorf("cannot use %q: another version of modgw-host wrote it", g.path(app))
	}
	if r.Descriptor.Name != app {
		return modgw.Descriptor{}, false, fmt.Errorf("cannot use %q: it is of app %q", g.path(app), r.Descriptor.Name)
	}
	return r.Descriptor, true, nil
}

// removeUnserved removes the descriptors of apps that are not served: they ended while no host
// ran.
func (g *lastGood) removeUnserved(served map[modgw.AppName]bool) {
	entries, err := os.ReadDir(g.dir)
	if err != nil {
		return // there are none
	}
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ".json"); ok && !served[modgw.AppName(name)] {
			g.remove(modgw.AppName(name))
		}
	}
}

// path returns the file for an app. Its suffix keeps a name such as ".." from being a folder.
func (g *lastGood) path(app modgw.AppName) string { return filepath.Join(g.dir, string(app)+".json") }

// descriptorShape identifies the fields that a descriptor has in this version. JSON of another
// version would lack fields whose default is not zero.
var descriptorShape = sync.OnceValue(func() string {
	var b strings.Builder
	writeShape(&b, reflect.TypeFor[modgw.Descriptor]())
	sum := sha256.Sum256([]byte(b.String()))
	return hex.EncodeToString(sum[:8])
})

func writeShape(b *strings.Builder, t reflect.Type) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice:
		writeShape(b, t.Elem())
	case reflect.Struct:
		for field := range t.Fields() {
			b.WriteString(field.Name + " ")
			writeShape(b, field.Type)
		}
	default:
		b.WriteString(t.String() + "\n")
	}
}
