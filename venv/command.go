package venv

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/modgw"
)

// Command is a program to be run as the app would run it: as its user, in its root, with its environment and nothing of
// the host's own. A name without a slash is looked for in the environment's bin folder, then in the system's. The
// caller connects its input and output, and starts it.
func Command(env *modgw.Environment, d modgw.Descriptor, args []string) (*exec.Cmd, error) {
	if len(args) == 0 {
		return nil, fmt.Errorf("cannot run nothing for app %q: name a command", d.Name)
	}
	acct, err := lookupAccount(d)
	if err != nil {
		return nil, err
	}
	environ := d.ProcessEnv(env, acct.HomeDir())
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

// lookProgram finds a program by the PATH in environ, not by that of this process.
func lookProgram(name, root string, environ []string, acct *account.Account) (string, bool) {
	if strings.Contains(name, "/") {
		if !filepath.IsAbs(name) {
			name = filepath.Join(root, name)
		}
		return name, isProgram(name, acct)
	}
	for _, v := range environ {
		list, ok := strings.CutPrefix(v, "PATH=")
		if !ok {
			continue
		}
		for _, dir := range filepath.SplitList(list) {
			if path := filepath.Join(dir, name); filepath.IsAbs(path) && isProgram(path, acct) {
				return path, true
			}
		}
	}
	return "", false
}

func isProgram(path string, acct *account.Account) bool {
	err := acct.Do(func() error {
		info, err := os.Stat(path)
		if err == nil && (info.IsDir() || info.Mode()&0o111 == 0) {
			return syscall.EACCES
		}
		return err
	})
	return err == nil
}
