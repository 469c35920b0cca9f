package contest

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/modgw/modgw/bench/testbed"
)

// Kit holds the software that is installed for the comparison.
type Kit struct {
	venv string // a virtual environment with the peers and the frameworks; "": none
	bare string // one without packages, for when there is no other
	host string // modgw-host
	log  io.Writer

	// Processors lists the processors that servers run on, in the format of taskset(1); "": all.
	Processors string
}

// packages are installed into the virtual environment of the peers.
var packages = []string{"gunicorn", "uvicorn[standard]", "hypercorn[uvloop]", "granian", "flask", "django"}

// built lists packages that require a compiler and the headers of Python and Apache; if they cannot
// be built, Debian's are used.
var built = []string{"uwsgi", "mod_wsgi"}

// aptPackages are the peers that Debian has, and Apache.
var aptPackages = []string{"apache2", "libapache2-mod-wsgi-py3", "uwsgi-plugin-python3"}

// CacheFolder returns the folder in which peers are kept from one run to the next. If root runs the
// benchmark, Apache's user may enter it.
func CacheFolder() (string, error) {
	if os.Getuid() == 0 {
		return "/var/cache/modgw-bench", nil
	}
	base, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(base, "modgw-bench"), nil
}

// NewKit returns a kit for the modgw-host program host; "": it is built into dir. [Kit.Install]
// adds the peers, if they are wanted.
func NewKit(ctx context.Context, dir, host string, log io.Writer) (*Kit, error) {
	kit := &Kit{bare: filepath.Join(dir, "bare"), log: log}
	if err := kit.run(ctx, "python3", "-m", "venv", "--without-pip", kit.bare); err != nil {
		return nil, err
	}
	var err error
	kit.host, err = testbed.HostProgram(ctx, dir, host)
	return kit, err
}

// Install installs the missing peers: from the Python package index into a virtual environment
// below cache, and, as root, from Debian's archive. A peer that cannot be installed is left out of
// the comparison.
func (k *Kit) Install(ctx context.Context, cache string) error {
	if err := k.installDebian(ctx); err != nil {
		fmt.Fprintf(k.log, "some peers are left out: %v\n", err)
	}
	venv := filepath.Join(cache, "venv")
	python := filepath.Join(venv, "bin/python")
	if _, err := os.Stat(filepath.Join(venv, "complete")); err == nil {
		k.venv = venv
		return nil
	}
	// mod_wsgi and uWSGI run the Python that they were built for: Debian's.
	base := "/usr/bin/python3"
	if _, err := os.Stat(base); err != nil {
		base = "python3"
	}
	fmt.Fprintf(k.log, "installing %s\n", strings.Join(packages, " "))
	if err := k.run(ctx, base, "-m", "venv", venv); err != nil {
		return err
	}
	if err := k.run(ctx, append([]string{python, "-m", "pip", "install", "--quiet"}, packages...)...); err != nil {
		return err
	}
	for _, name := range built {
		if err := k.run(ctx, python, "-m", "pip", "install", "--quiet", name); err != nil {
			fmt.Fprintf(k.log, "Debian's %s is taken: the newest cannot be built\n", name)
		}
	}
	k.venv = venv
	return os.WriteFile(filepath.Join(venv, "complete"), nil, 0o644)
}

func (k *Kit) installDebian(ctx context.Context) error {
	var missing []string
	for _, name := range aptPackages {
		// unknown: missing
		status, _ := exec.CommandContext(ctx, "dpkg-query", "-W", "-f=${Status}", name).Output()
		if !strings.Contains(string(status), "ok installed") {
			missing = append(missing, name)
		}
	}
	switch {
	case len(missing) == 0:
		return nil
	case os.Getuid() != 0:
		return fmt.Errorf("ask root for: apt-get install %s", strings.Join(missing, " "))
	}
	fmt.Fprintf(k.log, "installing %s\n", strings.Join(missing, " "))
	return k.run(ctx, append([]string{"apt-get", "install", "-y", "-qq", "--no-install-recommends"}, missing...)...)
}

func (k *Kit) run(ctx context.Context, command ...string) error {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	// The build of a package runs "python3" and must find the one for which it is built.
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "PATH=/usr/sbin:/usr/bin:/bin:"+os.Getenv("PATH"))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("cannot run %s: %w\n%s", strings.Join(command, " "), err, out)
	}
	return nil
}

// python returns the interpreter of the peers, or of the environment without packages.
func (k *Kit) python() string { return filepath.Join(cmp.Or(k.venv, k.bare), "bin/python") }

// program returns the path of a program in the virtual environment.
func (k *Kit) program(name string) string { return filepath.Join(k.venv, "bin", name) }

// Usable returns the contestants that can run here, and logs the others.
func (k *Kit) Usable(all []Contestant) (usable []Contestant) {
	for _, c := range all {
		if c.missing != nil {
			if why := c.missing(k); why != "" {
				fmt.Fprintf(k.log, "%s is left out: %s\n", c.Name, why)
				continue
			}
		}
		usable = append(usable, c)
	}
	return usable
}

// newest returns a file in the virtual environment if a package was built there, or Debian's file.
func (k *Kit) newest(pattern, debian string) string {
	if found, _ := filepath.Glob(filepath.Join(k.venv, pattern)); k.venv != "" && len(found) > 0 {
		return found[0]
	}
	return debian
}

// Has reports whether a contestant can run here.
func (k *Kit) Has(c Contestant) bool { return c.missing == nil || c.missing(k) == "" }

func needVenv(k *Kit) string {
	if k.venv == "" {
		return "it is not installed"
	}
	return ""
}

// need names the package of a file that does not exist. If the file exists, it reports whether the
// virtual environment is missing.
func (k *Kit) need(path, apt string) string {
	if _, err := os.Stat(path); err != nil {
		return "apt-get install " + apt
	}
	return needVenv(k)
}

// Versions returns the versions of the installed peers, of Python and of Apache.
func (k *Kit) Versions(ctx context.Context) map[string]string {
	versions := map[string]string{}
	say := func(name string, command ...string) {
		if out, err := exec.CommandContext(ctx, command[0], command[1:]...).Output(); err == nil {
			versions[name] = strings.TrimSpace(string(out))
		}
	}
	say("Python", k.python(), "-c", "import platform; print(platform.python_version())")
	for name, apt := range map[string]string{"Apache": "apache2", "mod_wsgi": "libapache2-mod-wsgi-py3", "uWSGI": "uwsgi-plugin-python3"} {
		say(name, "dpkg-query", "-W", "-f=${Version}", apt)
	}
	if k.venv != "" {
		for _, name := range []string{"mod_wsgi", "uWSGI", "gunicorn", "uvicorn", "uvloop", "httptools", "hypercorn", "granian", "flask", "django"} {
			say(name, k.python(), "-c", "import importlib.metadata as m; print(m.version('"+name+"'))")
		}
	}
	return versions
}
