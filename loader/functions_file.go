package loader

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/modgw/modgw/internal/lazyregexp"
)

// mostMatches is the largest number of files that fileset() may find.
const mostMatches = 10_000

var pathParameter = []function.Parameter{{Name: "path", Type: cty.String}}

// secretFunction is secret(path): the text of a file without the line ends after it, marked so that
// it is never shown.
func (s *scope) secretFunction() function.Function {
	return function.New(&function.Spec{
		Params: pathParameter,
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			path := s.credential(args[0].AsString())
			text, err := s.textOf(path)
			if err != nil {
				return cty.UnknownVal(cty.String), err
			}
			s.noteSecretFile(s.absolute(path))
			text = strings.TrimRight(text, "\r\n")
			s.noteSecret(text)
			return cty.StringVal(text).Mark(secretMark{}), nil
		},
	})
}

// credential is where systemd put the credential of that name for the host (LoadCredential= in
// systemd.exec(5)); name itself when there is none, or the descriptor is a stranger's.
func (s *scope) credential(name string) string {
	folder, given := s.opts.getenv("CREDENTIALS_DIRECTORY")
	if !given || s.files.as != nil || strings.Contains(name, "/") {
		return name
	}
	path := filepath.Join(folder, name)
	if info, err := s.files.stat(path); err == nil && !info.IsDir() {
		return path
	}
	return name
}

// textOf is file(path): the text of a file.
func (s *scope) textOf(path string) (string, error) {
	path = s.absolute(path)
	data, err := s.files.readFile(path)
	switch {
	case err != nil:
		return "", function.NewArgErrorf(0, "cannot read %q: %s", path, reason(err))
	case !utf8.Valid(data):
		return "", function.NewArgErrorf(0, "cannot use %q: it is not UTF-8 text", path)
	}
	return string(data), nil
}

// filesetFunction is fileset(folder, pattern): the files below a folder that match a glob, relative
// to it and sorted.
func (s *scope) filesetFunction() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "path", Type: cty.String}, {Name: "pattern", Type: cty.String}},
		Type:   function.StaticReturnType(cty.List(cty.String)),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			folder, pattern := s.absolute(args[0].AsString()), args[1].AsString()
			s.noteSource(folder)
			found, err := doublestar.Glob(s.files.opener().FS(folder), pattern, doublestar.WithFilesOnly(), doublestar.WithFailOnIOErrors())
			switch {
			case errors.Is(err, doublestar.ErrBadPattern):
				return cty.NilVal, function.NewArgErrorf(1, "%q is not a glob", pattern)
			case err != nil:
				return cty.NilVal, function.NewArgErrorf(0, "cannot list %q: %s", folder, reason(err))
			case len(found) > mostMatches:
				return cty.NilVal, function.NewArgErrorf(1, "%q matches %d files, and at most %d are listed", pattern, len(found), mostMatches)
			case len(found) == 0:
				return cty.ListValEmpty(cty.String), nil
			}
			slices.Sort(found)
			values := make([]cty.Value, len(found))
			for i, f := range found {
				values[i] = cty.StringVal(f)
			}
			return cty.ListVal(values), nil
		},
	})
}

// fileExistsFunction is fileexists(path).
func (s *scope) fileExistsFunction() function.Function {
	return function.New(&function.Spec{
		Params: pathParameter,
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			path := s.absolute(args[0].AsString())
			s.noteSource(path)
			info, err := s.files.stat(path)
			return cty.BoolVal(err == nil && !info.IsDir()), nil
		},
	})
}

// envFunction is env(name) and env(name, default): a variable of the host's own environment.
// Descriptors that another user than root can change get none, because the administrator's
// variables are not for that user.
func (s *scope) envFunction() function.Function {
	return function.New(&function.Spec{
		Params:   []function.Parameter{{Name: "name", Type: cty.String}},
		VarParam: &function.Parameter{Name: "default", Type: cty.String},
		Type:     function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			name := args[0].AsString()
			if len(args) > 2 {
				return cty.NilVal, errors.New("env takes a name and one default")
			}
			s.noteHostVariable(name)
			value, found := "", false
			if s.files.as == nil {
				value, found = s.opts.getenv(name)
			}
			switch {
			case found:
				return cty.StringVal(strings.ToValidUTF8(value, "�")), nil
			case len(args) == 2:
				return args[1], nil
			case s.files.as != nil:
				return cty.NilVal, fmt.Errorf("the host's environment is only for descriptors that root alone can change; give a default: env(%q, \"…\")", name)
			}
			return cty.NilVal, fmt.Errorf("the host has no environment variable %q; give a default: env(%q, \"…\")", name, name)
		},
	})
}

// pathFunction is a function from path to path that looks at no file.
func pathFunction(f func(string) string) function.Function {
	return textFunction("path", func(path string) (string, error) { return f(path), nil })
}

// wide matches a width or precision that would make format() write megabytes.
var wide = lazyregexp.New(`%[^%A-Za-z]*(?:\d{4,}|\*)`)

// boundedFormat is format() or formatlist() with widths below 1000.
func boundedFormat(f function.Function) function.Function {
	return function.New(&function.Spec{
		Params:   []function.Parameter{{Name: "format", Type: cty.String}},
		VarParam: &function.Parameter{Name: "args", Type: cty.DynamicPseudoType, AllowNull: true, AllowDynamicType: true},
		Type: func(args []cty.Value) (cty.Type, error) {
			if wide.MatchString(args[0].AsString()) {
				return cty.NilType, function.NewArgErrorf(0, "widths must be below 1000")
			}
			return f.ReturnTypeForValues(args)
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) { return f.Call(args) },
	})
}
