package loader

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/modgw/modgw/internal/lazyregexp"
	"github.com/modgw/modgw/modgw"
)

// note adds a comment for readers of the descriptor.
func (f *finding) note(format string, args ...any) {
	f.notes = append(f.notes, fmt.Sprintf(format, args...))
}

// hint adds a setting to the kind's block, as a comment for those who need it.
func (f *finding) hint(setting string) { f.hints = append(f.hints, setting) }

// stripHint is for programs that do not know their mount.
const stripHint = `strip_mount = true   # for a program that does not know of its mount`

// isPython reports whether the app has an environment with packages.
func (f *finding) isPython() bool {
	return f.kind == modgw.KindWSGI || f.kind == modgw.KindASGI || f.python
}

// needsPackages reports whether the app is of a framework, which is a package, and its file does
// not name it (PEP 723).
func (f *finding) needsPackages(p *project) bool {
	if f.what == "WSGI app" || f.what == "ASGI app" {
		return false
	}
	script, isFile := strings.CutPrefix(f.entry, "./")
	return !isFile || !strings.Contains(p.text(script), "# /// script")
}

// addSource lets an app import from the project's src folder if its module is there.
func (p *project) addSource(f *finding, module string) {
	file := strings.ReplaceAll(module, ".", "/")
	if !p.has(file+".py") && !p.has(file+"/__init__.py") && (p.has("src/"+file+".py") || p.has("src/"+file+"/__init__.py")) {
		f.path = []string{"src"}
	}
}

// declarations are the files that the host reads a project's packages from.
var declarations = []string{"requirements.txt", "uv.lock", "pylock.toml"}

// unread are files that declare packages and that the host does not read.
var unread = []string{"poetry.lock", "pdm.lock", "Pipfile", "environment.yml", "environment.yaml", "setup.py", "requirements"}

// declaration is the file that the host reads the project's packages from; "" when there is none.
func (p *project) declaration() string {
	for _, name := range declarations {
		if p.has(name) {
			return name
		}
	}
	if text := p.text("pyproject.toml"); strings.Contains(text, "[project]") && strings.Contains(text, "dependencies") {
		return "pyproject.toml"
	}
	return ""
}

// declares reports whether the project has a file that names packages, whether or not the host
// reads it.
func (p *project) declares() bool { return p.declaration() != "" || slices.ContainsFunc(unread, p.has) }

// moveUp makes the whole project the root of an app that was found in a folder below it, because
// the packages are declared in the root. It reports whether it did: Django's projects depend on
// their working directory.
func (f *finding) moveUp(folder string) bool {
	if !f.isPython() || f.python || f.settings != "" || f.static != "" {
		return false
	}
	if script, isFile := strings.CutPrefix(f.entry, "./"); isFile {
		f.entry = "./" + folder + "/" + script
	}
	f.path = append([]string{folder}, f.path...)
	return true
}

// lookAround finds an env_file and an existing virtual environment next to the app's code.
func (f *finding) lookAround(p *project) {
	if p.has(".env") {
		if _, mistakes := parseDotenv(p.text(".env")); len(mistakes) == 0 {
			f.envFile = ".env"
		} else {
			f.note("saw .env, not used because its line %d cannot be read: %s", mistakes[0].line, mistakes[0].why)
		}
	}
	if !f.isPython() {
		return
	}
	declared := p.declaration()
	for _, dir := range []string{".venv", "venv", "env"} {
		switch {
		case !p.has(dir + "/pyvenv.cfg"):
			continue
		case declared != "":
			f.note("saw %s, not used because the host installs what %s names: python { venv = %q } uses it", dir, declared, dir)
		default:
			f.venv, declared = dir, dir
		}
	}
	if declared == "" && !slices.ContainsFunc(unread, p.has) && f.needsPackages(p) {
		f.note(`no file names the packages that it needs: write requirements.txt, or python { packages = ["…"] }`)
	}
	for _, name := range unread {
		if declared == "" && p.has(name) {
			f.note("saw %s, which the host does not read: modgw-host env build says what to do", name)
		}
	}
}

// likelyFolders are usual folders of an app in a repository with others, most likely first.
var likelyFolders = []string{"backend", "server", "api", "web", "app", "www", "site", "project", "sandbox", "demo"}

// noApps are folders whose programs are not the project's app.
var noApps = map[string]bool{"node_modules": true, "tests": true, "test": true, "docs": true, "doc": true, "examples": true, "vendor": true,
	"dist": true, "build": true, "src": true, "cmd": true, "static": true, "scripts": true, "tools": true}

// below finds the app in a folder of the project; others that are apps too are noted.
func (p *project) below() *finding {
	var found *finding
	folders := append([]string{}, likelyFolders...)
	for _, name := range p.foldersIn(".") {
		if !strings.HasPrefix(name, ".") && !p.has(name+"/pyvenv.cfg") && !noApps[name] {
			folders = append(folders, name)
		}
	}
	seen := map[string]bool{}
	for _, folder := range folders {
		if seen[folder] || !p.has(folder) {
			continue
		}
		seen[folder] = true
		inner := &project{dir: filepath.Join(p.dir, folder), files: p.files}
		other, err := inner.program()
		switch {
		case err != nil || other == nil:
		case found == nil:
			found = other
			found.root, found.name = p.dir, nameFrom(filepath.Base(p.dir))
			if p.declares() && !inner.declares() && found.moveUp(folder) {
				continue
			}
			found.below = folder
			found.lookAround(inner)
			if !inner.declares() && p.has("requirements.txt") {
				found.note(`saw requirements.txt, not used because it is not in %s: python { requirements = ["../requirements.txt"] }`, folder)
			}
		default:
			found.note("saw %s in %s, not used because this is one app: write another app block for it", other.what, folder)
		}
	}
	return found
}

// scriptBelow finds a single .wsgi file one or two folders below the project.
func (p *project) scriptBelow() *finding {
	var scripts []string
	for _, folder := range p.foldersIn(".") {
		if strings.HasPrefix(folder, ".") || folder == "node_modules" || folder == "tests" {
			continue
		}
		for _, inner := range append([]string{"."}, p.foldersIn(folder)...) {
			for _, name := range p.filesIn(filepath.Join(folder, inner), ".wsgi") {
				scripts = append(scripts, filepath.Join(folder, inner, name))
			}
		}
	}
	if len(scripts) == 0 {
		return nil
	}
	c, ok := findCallable(p.text(scripts[0]))
	if !ok {
		c = callable{kind: modgw.KindWSGI, what: "WSGI app"}
	}
	f := &finding{name: nameFrom(filepath.Base(p.dir)), what: c.what, kind: c.kind, root: p.dir, entry: "./" + scripts[0]}
	for _, other := range scripts[1:] {
		f.note("saw %s, not used because %s comes first", other, scripts[0])
	}
	return f
}

// pasteFiles are the usual files of paste.deploy, most likely first.
var pasteFiles = []string{"production.ini", "server.ini", "app.ini", "development.ini"}

// pasteSection matches the section of a paste.deploy file that is served.
var pasteSection = lazyregexp.New(`(?m)^\[(?:app|composite|pipeline):main\]`)

// paste finds an app that a paste.deploy file makes, as Pyramid's are.
func (p *project) paste() *finding {
	var files []string
	names := append(pasteFiles[:len(pasteFiles):len(pasteFiles)], p.filesIn(".", ".ini")...)
	for _, name := range names {
		if !slices.Contains(files, name) && pasteSection.MatchString(p.text(name)) {
			files = append(files, name)
		}
	}
	if len(files) == 0 {
		return nil
	}
	f := &finding{name: nameFrom(filepath.Base(p.dir)), what: "Pyramid project", kind: modgw.KindWSGI, root: p.dir,
		entry: fmt.Sprintf("pyramid.paster:get_app('%s')", files[0]), watch: files[:1]}
	for _, other := range files[1:] {
		f.note("saw %s, not used because %s comes first", other, files[0])
	}
	return f
}
