package apache

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/semver"

	"github.com/modgw/modgw/internal/lazyregexp"
)

// Program is an installed Apache.
type Program struct {
	Path    string   // absolute path of httpd
	Control string   // apachectl with the environment of the distribution; "": not found
	Version string   // "2.4.71"
	Modules string   // the folder that holds mod_*.so; "" when it was not found
	Static  []string // modules that are compiled in: "core", "so", "unixd"
}

var programFolders = []string{"/usr/sbin", "/usr/local/sbin", "/usr/local/apache2/bin", "/usr/local/bin", "/opt/homebrew/bin", "/opt/local/sbin"}

var moduleFolders = []string{"/usr/lib/apache2/modules", "/usr/lib64/apache2", "/usr/lib64/httpd/modules", "/usr/lib/httpd/modules",
	"/usr/local/apache2/modules", "/usr/local/libexec/apache24", "/opt/homebrew/lib/httpd/modules", "/usr/lib/apache2"}

// askTimeout bounds how long Apache may take to answer a question about itself.
const askTimeout = 20 * time.Second

// Find finds the installed Apache. An empty path means the first one in the usual places.
func Find(ctx context.Context, path string) (*Program, error) {
	if path == "" {
		if path = find("apache2", "httpd"); path == "" {
			return nil, notInstalled()
		}
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	out, err := ask(ctx, path, "-v")
	version := versionPattern.FindStringSubmatch(out)
	if version == nil {
		return nil, notApache(path, out, err)
	}
	p := &Program{Path: path, Control: find("apache2ctl", "apachectl"), Version: version[1]}
	if filepath.Dir(p.Control) != filepath.Dir(path) {
		p.Control = ""
	}
	out, _ = ask(ctx, path, "-l")
	for _, m := range staticPattern.FindAllStringSubmatch(out, -1) {
		p.Static = append(p.Static, m[1])
	}
	near := filepath.Join(filepath.Dir(filepath.Dir(path)), "modules")
	for _, dir := range append([]string{near}, moduleFolders...) {
		if _, err := os.Stat(filepath.Join(dir, "mod_proxy.so")); err == nil {
			p.Modules = dir
			break
		}
	}
	return p, nil
}

var (
	versionPattern = lazyregexp.New(`Apache/(\d+\.\d+\.\d+)`)
	staticPattern  = lazyregexp.New(`(?m)^\s*(?:mod_)?(\w+)\.c$`)
)

// before reports whether the program is older than a version.
func (p *Program) before(version string) bool {
	return semver.Compare("v"+p.Version, "v"+version) < 0
}

// has reports whether a module can be loaded or is compiled in.
func (p *Program) has(module string) bool {
	return p.compiledIn(module) || p.file(module) != ""
}

// MPM is the module with which processes are made, one with threads if it can be; "": there is
// none.
func (p *Program) MPM() string {
	for _, name := range []string{"event", "worker", "prefork", "mpm_event", "mpm_worker", "mpm_prefork"} {
		if p.has(name) {
			return name
		}
	}
	return ""
}

// ModuleFile is the file that a module is loaded from; "" when it is not installed, or compiled in.
func (p *Program) ModuleFile(module string) string {
	if p.compiledIn(module) {
		return ""
	}
	return p.file(module)
}

func (p *Program) compiledIn(module string) bool { return slices.Contains(p.Static, module) }

// file is the path of a module; "" when there is none.
func (p *Program) file(module string) string {
	path := filepath.Join(p.Modules, "mod_"+module+".so")
	if _, err := os.Stat(path); p.Modules == "" || err != nil {
		return ""
	}
	return path
}

// debian reports whether modules are enabled with a2enmod.
func (p *Program) debian() bool { return filepath.Base(p.Path) == "apache2" && find("a2enmod") != "" }

func find(names ...string) string {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
		for _, dir := range programFolders {
			if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
				return path
			}
		}
	}
	return ""
}

// ask runs a program that only prints something, and returns its output.
func ask(ctx context.Context, program string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%s %s: %w", program, strings.Join(args, " "), err)
	}
	return string(out), err
}

// FindControl finds apachectl. An empty path means the first one in the usual places.
func FindControl(path string) (string, error) {
	if path == "" {
		path = find("apache2ctl", "apachectl")
	}
	if path == "" {
		return "", notInstalled()
	}
	return exec.LookPath(path)
}
