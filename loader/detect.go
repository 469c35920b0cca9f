package loader

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/internal/lazyregexp"
	"github.com/modgw/modgw/internal/safepath"
	"github.com/modgw/modgw/modgw"
)

// Detect makes the descriptor of an app that has none: of a file ("app.wsgi", "main.py"), of a
// module in the working directory ("package.module:callable"), or of a folder with a Django, Flask,
// FastAPI, Starlette or plain WSGI or ASGI project, a Go module with a program, a Node.js project
// with a start script, PHP scripts or a static site. Files are only read, as text; nothing is run.
func Detect(target string) (modgw.Descriptor, error) {
	a, err := detect(target, Options{})
	if err != nil {
		return modgw.Descriptor{}, err
	}
	return *a.Descriptor, nil
}

// finding is a recognised project.
type finding struct {
	name     string // name of the app
	what     string // "Django project", for people
	kind     modgw.Kind
	root     string   // absolute
	entry    string   // entry of a Python app
	pkg      string   // folder of a Go program; "": the root
	command  []string // command of a program that serves HTTP or FastCGI
	public   string   // folder of PHP scripts or of a static site below root; "." is root itself
	settings string   // Django's settings module
	alias    string   // URL path of static
	static   string   // folder of static files below root; "": none
	below    string   // folder below root that is the app's root; "": root itself
	path     []string // further folders that Python imports from
	venv     string   // virtual environment that is there already
	envFile  string
	build    []string // command of the build block
	inputs   []string // inputs of the build block
	watch    []string // globs of further files that are code
	index    string   // PHP script that answers for a folder; "": index.php
	script   string   // CGI script for all requests; "": those in the folder public
	python   bool     // a program that runs in a Python environment
	keep     bool     // the packages of a Node.js program are not the host's to install
	notes    []string // findings that are not used, with the reason
	hints    []string // settings of the kind's block that some programs need

	variables map[string]string // the values of env
}

// detect decodes the descriptor that Init would write, so that a detected app has the same defaults
// and checks as a written one.
func detect(target string, opts Options) (*app, error) {
	found, as, err := find(target, opts)
	if err != nil {
		return nil, err
	}
	opts.Account = as
	// Without a descriptor nothing is built in the project: only existing files are served.
	found.build, found.keep = nil, false
	if _, err := (safepath.Opener{User: as}).Stat(filepath.Join(found.root, found.below, found.static)); err != nil || filepath.IsAbs(found.static) {
		found.static = ""
	}
	f := &File{report: newReport()}
	f.decode(found.source(), found.root, opts)
	if err := f.found.Err(); err != nil {
		return nil, err
	}
	a := f.apps[0]
	a.Line = 0
	return a, nil
}

func cannotDetect(hint, format string, args ...any) error {
	return &modgw.Fault{Code: codeDetect, Summary: fmt.Sprintf(format, args...), Hint: hint}
}

// find looks at a target in the way that its form asks for.
func find(target string, opts Options) (*finding, *account.Account, error) {
	path, err := filepath.Abs(target)
	if err != nil {
		return nil, nil, err
	}
	info, err := safepath.Opener{User: opts.Account}.Stat(path)
	switch {
	case err == nil && info.IsDir():
		p, err := openProject(path, opts)
		if err != nil {
			return nil, nil, err
		}
		found, err := p.look()
		if err == nil && found.below == "" {
			found.lookAround(p)
		}
		if err == nil {
			found.notes = append(found.notes, p.noted...)
		}
		return found, p.files.as, err
	case err == nil:
		p, err := openProject(filepath.Dir(path), opts)
		if err != nil {
			return nil, nil, err
		}
		found, err := p.lookAtFile(filepath.Base(path))
		return found, p.files.as, err
	case module.MatchString(target):
		p, err := openProject(filepath.Dir(path), opts)
		if err != nil {
			return nil, nil, err
		}
		return p.module(target), p.files.as, nil
	case bareModule.MatchString(target) && !isFileEntry(target):
		return nil, nil, cannotDetect(fmt.Sprintf("name the callable of a module too: %q", target+":application"), "cannot find %q", target)
	}
	return nil, nil, cannotDetect("give a descriptor, a project folder, a .wsgi or .py file, or \"package.module:callable\"", "cannot find %q", target)
}

// module is a callable that was named; only its kind is looked for.
func (p *project) module(target string) *finding {
	name, callable, _ := strings.Cut(target, ":")
	kind := modgw.KindWSGI
	text := p.moduleText(name)
	if c, ok := findCallable(text); ok {
		kind = c.kind
	}
	if text == "" && strings.Contains(strings.ToLower(name+callable), "asgi") {
		kind = modgw.KindASGI
	}
	first, _, _ := strings.Cut(name, ".")
	return &finding{name: nameFrom(first), what: "module", kind: kind, root: p.dir, entry: target}
}

// moduleText is the source of a module below the project, or in its src folder; "" when it is not
// there.
func (p *project) moduleText(name string) string {
	file := strings.ReplaceAll(name, ".", "/")
	for _, candidate := range []string{file + ".py", file + "/__init__.py", "src/" + file + ".py", "src/" + file + "/__init__.py"} {
		if text := p.text(candidate); text != "" {
			return text
		}
	}
	return ""
}

var notInName = lazyregexp.New(`[^A-Za-z0-9_-]+`)

// nameFrom makes an app name of the name of a folder or file.
func nameFrom(s string) string {
	name := strings.Trim(notInName.ReplaceAllString(s, "-"), "-")
	if len(name) > 64 {
		name = name[:64]
	}
	if name == "" {
		return "app"
	}
	return name
}
