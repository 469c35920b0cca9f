package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/modgw/modgw/internal/atomicfile"
	"github.com/modgw/modgw/modgw"
)

// output is a file that migrate writes.
type output struct {
	name    string // path in the folder, with slashes
	text    []byte
	before  string // file that it takes the place of; "": none
	replace bool   // it is written again by each run
}

type outputs []output

func outputPath(dir, name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }

func (o output) path(dir string) string { return outputPath(dir, o.name) }

// write writes the files into a folder. An existing file that differs, because it was edited, is an
// error unless force is set; nothing is written then.
func (all outputs) write(dir string, force bool) error {
	for _, o := range all {
		old, err := os.ReadFile(o.path(dir))
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return err
		case !bytes.Equal(old, o.text) && !o.replace && !force:
			return &modgw.Fault{
				Code:    "MGW-MIG-002",
				Summary: fmt.Sprintf("cannot write %q: it is there already, and differs", o.path(dir)),
				Hint:    "remove it, replace it with --force, or name another folder with --out",
			}
		}
	}
	for _, o := range all {
		if err := os.MkdirAll(filepath.Dir(o.path(dir)), 0o755); err != nil {
			return err
		}
		if err := atomicfile.Write(o.path(dir), o.text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// diff prints how the files differ from those whose place they take. Reports are left out.
func (all outputs) diff(w io.Writer, dir string) error {
	for _, o := range all {
		if o.replace {
			continue
		}
		var old []byte
		before := "/dev/null"
		if o.before != "" {
			var err error
			if old, err = os.ReadFile(o.before); err != nil {
				return err
			}
			before = o.before
		}
		if _, err := w.Write(diff.Diff(before, old, o.path(dir), o.text)); err != nil {
			return err
		}
	}
	return nil
}
