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

// lastGood keeps the descriptor with which each app was last served, so that the app is served again although its
// descriptor has got a mistake before the host is restarted. Descriptors contain secrets: nobody but the host's own user can
// read them.
type lastGood struct {
	dir string
	log *slog.Logger

	mu      sync.Mutex
	pending map[modgw.AppName]*modgw.Descriptor // to be written; nil: to be removed
	wake    chan struct{}                       // has one element when pending has any
}

// lastWords is how long writing may still take when the host ends.
const lastWords = 2 * time.Second

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

// keep has the descriptor of an app written soon.
func (g *lastGood) keep(d modgw.Descriptor) { g.set(d.Name, &d) }

// forget has the descriptor of an app removed soon.
func (g *lastGood) forget(app modgw.AppName) { g.set(app, nil) }

func (g *lastGood) set(app modgw.AppName, d *modgw.Descriptor) {
	g.mu.Lock()
	g.pending[app] = d
	g.mu.Unlock()
	select {
	case g.wake <- struct{}{}:
	default:
	}
}

// run writes what is to be kept until ctx is done, and then what is left.
func (g *lastGood) run(ctx context.Context) {
	for {
		select {
		case <-g.wake:
			g.write(ctx)
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
			defer cancel()
			g.write(last)
			return
		}
	}
}

// write writes what is pending, until ctx is done.
func (g *lastGood) write(ctx context.Context) {
	for ctx.Err() == nil {
		app, d, ok := g.next()
		if !ok {
			return
		}
		if err := g.store(app, d); err != nil {
			g.log.Warn("last good descriptor not kept", "app", app, "error", err.Error())
		}
	}
}

func (g *lastGood) next() (modgw.AppName, *modgw.Descriptor, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for app, d := range g.pending {
		delete(g.pending, app)
		return app, d, true
	}
	return "", nil, false
}

func (g *lastGood) store(app modgw.AppName, d *modgw.Descriptor) error {
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

// read returns the descriptor that was kept for an app; false when there is none. An error means that there is one which
// cannot be used.
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

// tidy has the descriptors removed of apps that are not served any more, which ended while no host ran.
func (g *lastGood) tidy(served map[modgw.AppName]bool) {
	entries, err := os.ReadDir(g.dir)
	if err != nil {
		return // there are none
	}
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ".json"); ok && !served[modgw.AppName(name)] {
			g.forget(modgw.AppName(name))
		}
	}
}

// path has a suffix, so that no app's name means another folder.
func (g *lastGood) path(app modgw.AppName) string { return filepath.Join(g.dir, string(app)+".json") }

// descriptorShape names the fields that a descriptor has in this version. In the JSON of another one, fields would be missing
// for which the loader has defaults other than zero.
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
		for i := range t.NumField() {
			b.WriteString(t.Field(i).Name + " ")
			writeShape(b, t.Field(i).Type)
		}
	default:
		b.WriteString(t.String() + "\n")
	}
}
