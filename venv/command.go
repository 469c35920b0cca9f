package venv

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/internal/safepath"
	"github.com/modgw/modgw/modgw"
)

// Command returns a program that runs as the app would: as its user, in its root, with its
// environment and none of the host's variables. Python finds the modules that the app finds. A name
// without a slash is looked for in the environment's bin folder, then in the system's. The caller
// connects its input and output, and starts it.
func Command(env *modgw.Environment, d modgw.Descriptor, args []string) (*exec.Cmd, error) {
	if len(args) == 0 {
		return nil, fmt.Errorf("cannot run nothing for app %q: name a command", d.Name)
	}
	acct, err := lookupAccount(d)
	if err != nil {
		return nil, err
	}
	environ := withModules(d.ProcessEnv(env, acct.HomeDir()), env, d, acct)
	path, ok := lookProgram(args[0], d.Root, environ, acct)
	if !ok {
		return nil, &modgw.Fault{
			Code:    "MGW-ENV-022",
			Summary: fmt.Sprintf("cannot find the command %q for app %q", args[0], d.Name),
			Hint:    "it is neither in the app's environment nor in " + safePath,
		}
	}
	return &exec.Cmd{
		Path:        path,
		Args:        args,
		Env:         environ,
		Dir:         d.Root,
		SysProcAttr: &syscall.SysProcAttr{Credential: acct.Credential()},
	}, nil
}

// withModules is environ with a PYTHONPATH of the folders that a Python app has in sys.path, in the
// same order, before those that the app's own PYTHONPATH names.
func withModules(environ []string, env *modgw.Environment, d modgw.Descriptor, acct *account.Account) []string {
	if d.Kind != modgw.KindWSGI && d.Kind != modgw.KindASGI {
		return environ
	}
	folders := slices.Clone(d.Python.Path)
	if env != nil {
		folders = append(folders, env.SearchPath...)
	}
	if entry := d.Entry(); filepath.IsAbs(entry) {
		folders = append(folders, importFolder(entry, d.Root, acct))
	}
	folders = append(folders, d.Root)
	const name = "PYTHONPATH="
	at := slices.IndexFunc(environ, func(v string) bool { return strings.HasPrefix(v, name) })
	if at < 0 {
		environ, at = append(environ, name), len(environ)
	}
	if own := strings.TrimPrefix(environ[at], name); own != "" {
		folders = append(folders, own)
	}
	environ[at] = name + strings.Join(folders, string(filepath.ListSeparator))
	return environ
}

// importFolder is where an import would find a file: above the packages that it is in, but never
// above root.
func importFolder(file, root string, acct *account.Account) string {
	folder := filepath.Dir(file)
	for folder != root && folder != "/" && isRegular(filepath.Join(folder, "__init__.py"), acct) {
		folder = filepath.Dir(folder)
	}
	return folder
}

// lookProgram finds a program that can be run, by the PATH in environ.
func lookProgram(name, root string, environ []string, acct *account.Account) (string, bool) {
	opener := safepath.Opener{User: acct}
	path, err := opener.FindProgram(name, root, environ)
	return path, err == nil && opener.IsProgram(path)
}
