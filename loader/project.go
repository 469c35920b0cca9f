package loader

import (
	"cmp"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/modgw/modgw/internal/safepath"
	"github.com/modgw/modgw/modgw"
)

// project is a folder that is searched for an app.
type project struct {
	dir   string
	files *reader
	noted []string // findings that no kind of app uses
}

func openProject(dir string, opts Options) (*project, error) {
	as := opts.Account
	if as == nil {
		f, err := safepath.Opener{}.Open(dir)
		if err != nil {
			return nil, cannotDetect("the host's user must be able to read the folder", "cannot open %q: %s", dir, reason(err))
		}
		defer f.Close()
		// The folder's files decide, and users who can change the folder can change them.
		if as, err = owner(f); err != nil {
			return nil, &modgw.Fault{Code: codeOwner, Summary: fmt.Sprintf("cannot trust the folder %q", dir), Hint: err.Error()}
		}
	}
	return &project{dir: dir, files: &reader{as: as, seen: &record{}}}, nil
}

// text returns the content of a file of the project; "" if it cannot be read.
func (p *project) text(name string) string {
	data, err := p.files.read(filepath.Join(p.dir, name))
	if err != nil {
		return ""
	}
	return string(data)
}

func (p *project) has(name string) bool {
	_, err := p.files.stat(filepath.Join(p.dir, name))
	return err == nil
}

// packages are the names of the folders in a folder, "" or with a slash at its end, with Python
// files, hidden ones and virtual environments aside.
func (p *project) packages(folder string) []string {
	var names []string
	for _, e := range p.list(cmp.Or(folder, ".")) {
		name := e.Name()
		if bareModule.MatchString(name) && !strings.HasPrefix(name, "_") && e.IsDir() && !p.isNoPackage(folder+name) {
			names = append(names, name)
		}
	}
	return names
}

// isNoPackage reports whether a folder is a virtual environment, a project of its own, or one named
// src that only has packages.
func (p *project) isNoPackage(folder string) bool {
	for _, name := range []string{"pyvenv.cfg", "requirements.txt", "pyproject.toml"} {
		if p.has(folder + "/" + name) {
			return true
		}
	}
	if strings.Contains(p.text(folder+"/manage.py"), "DJANGO_SETTINGS_MODULE") {
		return true
	}
	return folder == "src" && !p.has("src/__init__.py")
}

// scripts are the names of the .wsgi files.
func (p *project) scripts() []string { return p.filesIn(".", ".wsgi") }

// filesIn are the names of the files in a folder of the project that end with suffix.
func (p *project) filesIn(folder, suffix string) []string {
	var names []string
	for _, e := range p.list(folder) {
		if strings.HasSuffix(e.Name(), suffix) && !e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names
}

// list returns the entries of a folder of the project; none if it cannot be read.
func (p *project) list(folder string) []fs.DirEntry {
	entries, err := p.files.opener().ReadDir(filepath.Join(p.dir, folder))
	if err != nil {
		return nil
	}
	return entries
}

// usualFiles are usual places of the app, most likely first.
var usualFiles = []string{"wsgi.py", "asgi.py", "app.py", "main.py", "application.py", "server.py", "run.py", "api.py", "hello.py"}

// look finds the app of a project folder, or of a folder below it.
func (p *project) look() (*finding, error) {
	if found, err := p.program(); found != nil || err != nil {
		return found, err
	}
	if found := p.php(); found != nil {
		return found, nil
	}
	if found := cmp.Or(p.below(), p.scriptBelow()); found != nil {
		return found, nil
	}
	if found, err := p.scriptsOfCGI(); found != nil || err != nil {
		return found, err
	}
	if found := cmp.Or(p.site(), p.phpAlone()); found != nil {
		return found, nil
	}
	return nil, cannotDetect("name the file or \"package.module:callable\" of the app, or write a descriptor yourself (modgw-host explain app)",
		"cannot find an app in %q: there is no manage.py, no .wsgi file, no callable in %s, no Go program, no package.json with a start script, no PHP or CGI script and no index.html",
		p.dir, strings.Join(usualFiles[:4], ", "))
}

// program finds a program in the folder itself that answers requests.
func (p *project) program() (*finding, error) {
	if found := p.django(); found != nil {
		return found, nil
	}
	declared := p.procfile()
	if declared != nil && (declared.isPython() || declared.asksForPort()) {
		return declared, nil
	}
	if found := p.paste(); found != nil {
		return found, nil
	}
	scripts := p.scripts()
	if len(scripts) == 1 {
		return p.lookAtFile(scripts[0])
	}
	if found, err := p.golang(); found != nil || err != nil {
		return found, err
	}
	if found := cmp.Or(p.python(""), p.python("src/"), p.node(), declared, p.scriptOfPython()); found != nil {
		return found, nil
	}
	if len(scripts) > 1 {
		return nil, cannotDetect("name one of them", "cannot choose between the apps %s in %q", strings.Join(quoted(scripts), ", "), p.dir)
	}
	return nil, nil
}

// python finds a callable in one of the usual files, or in a package; folder is "" or ends with a
// slash.
func (p *project) python(folder string) *finding {
	for _, name := range usualFiles {
		if c, ok := p.callableIn(folder + name); ok {
			return p.found(folder, strings.TrimSuffix(name, ".py"), c)
		}
	}
	for _, pkg := range p.packages(folder) {
		if found := p.inPackage(folder, pkg); found != nil {
			return found
		}
	}
	return nil
}

// callableIn is findCallable for a file, whose name may decide the kind where its text does not.
func (p *project) callableIn(name string) (callable, bool) {
	c, ok := findCallable(p.text(name))
	if ok && filepath.Base(name) == "asgi.py" && c.what == "WSGI app" {
		c.kind, c.what = modgw.KindASGI, "ASGI app"
	}
	return c, ok
}

// inPackage finds the app in a package: "app/main.py" is app.main.
func (p *project) inPackage(folder, pkg string) *finding {
	for _, name := range slices.Concat([]string{"__init__.py"}, usualFiles) {
		c, ok := p.callableIn(folder + pkg + "/" + name)
		if !ok {
			continue
		}
		module := pkg
		if name != "__init__.py" {
			module += "." + strings.TrimSuffix(name, ".py")
		}
		return p.found(folder, module, c)
	}
	return nil
}

// lookAtFile finds the callable in one file, which becomes the entry itself when its callable has a
// usual name.
func (p *project) lookAtFile(name string) (*finding, error) {
	stem := strings.TrimSuffix(strings.TrimSuffix(name, ".py"), ".wsgi")
	if stem == name {
		return nil, cannotDetect("an app is a .wsgi or .py file; a descriptor ends with .hcl", "cannot run %q", filepath.Join(p.dir, name))
	}
	if name == "manage.py" {
		if found := p.django(); found != nil {
			return found, nil
		}
	}
	c, ok := p.callableIn(name)
	if !ok {
		// The name may be imported from another module.
		c = callable{kind: modgw.KindWSGI, name: "application", what: "WSGI app"}
	}
	if c.plain() || !strings.HasSuffix(name, ".py") || !bareModule.MatchString(stem) {
		return &finding{name: nameFrom(stem), what: c.what, kind: c.kind, root: p.dir, entry: "./" + name}, nil
	}
	found := p.found("", stem, c)
	found.name = nameFrom(stem)
	return found, nil
}

func (p *project) found(folder, module string, c callable) *finding {
	f := &finding{
		name: nameFrom(filepath.Base(p.dir)), what: c.what, kind: c.kind, root: p.dir,
		entry: fmt.Sprintf("%s:%s", module, c.name),
	}
	if folder != "" {
		f.path = []string{strings.TrimSuffix(folder, "/")}
	}
	// Flask serves this folder at this path by itself, unless the app overrides it.
	if c.what == "Flask app" && folder == "" && !strings.Contains(module, ".") && p.has("static") &&
		!strings.Contains(p.text(module+".py"), "static_") && p.has(module+".py") {
		f.alias, f.static = "/static", "static"
	}
	return f
}

func quoted(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = fmt.Sprintf("%q", n)
	}
	return out
}
