package venv

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/internal/sandbox"
	"github.com/modgw/modgw/modgw"
)

// probeTimeout bounds how long an interpreter may take to describe itself: a stub that waits for
// input must not block the search.
const probeTimeout = 20 * time.Second

// probeScript must be understood by every Python that may be lying around, 2.7 included.
const probeScript = `
import json, platform, sys
try:
    import sysconfig
    var = sysconfig.get_config_var
except ImportError:
    var = lambda name: None
try:
    from pip import __version__ as pip
except Exception:
    pip = ""
try:
    from importlib.util import find_spec
    ensurepip = find_spec("ensurepip")  # importing it takes a third of the time of this script
except Exception:
    ensurepip = None
pypy = getattr(sys, "pypy_version_info", None)
base_prefix = getattr(sys, "base_prefix", sys.prefix)
base = getattr(sys, "_base_executable", None) or sys.executable
if base_prefix != sys.prefix and base.startswith(sys.prefix + "/"):
    # Before 3.11, Python does not know which executable a virtual environment was made with.
    base = "%s/bin/%s%d.%d" % ((base_prefix, "pypy" if pypy else "python") + sys.version_info[:2])
print("modgw:" + json.dumps({
    "implementation": platform.python_implementation(),
    "version": platform.python_version().rstrip("+"),
    "pypy_version": "%d.%d.%d" % pypy[:3] if pypy else "",
    "soabi": var("SOABI") or "",
    "free_threaded": bool(var("Py_GIL_DISABLED")),
    "prefix": sys.prefix,
    "base_prefix": base_prefix,
    "base_executable": base,
    "pip": pip,
    "ensurepip": ensurepip is not None,
}))
`

// answers are the answers of programs about themselves, by answerKey, as long as their files do not
// change.
type answers struct {
	pythons sync.Map // has values of interpreter
	asking  sync.Map // has channels of length 1, which have an element while a Python is asked
	uvs     sync.Map // has versions of uv, as strings
}

// answerKey is a program, the state of its file, and who asked: another user may not be allowed to
// run it.
type answerKey struct {
	path, state string
	uid         int
}

// ask runs the Python at path as the account and returns its description. For an interpreter of a
// virtual environment it describes the one that it was made from, so that no environment depends on
// another.
func (b *Builder) ask(ctx context.Context, path string, acct *account.Account, s *modgw.Sandbox) (interpreter, error) {
	i, err := b.askOnly(ctx, path, acct, s)
	if err == nil && i.Prefix != i.BasePrefix && i.BaseExecutable != "" && i.BaseExecutable != path {
		return b.askOnly(ctx, i.BaseExecutable, acct, s)
	}
	return i, err
}

// askOnly is ask without leaving a virtual environment. Of apps that need the same interpreter at
// once, as when a host starts, one asks and the others wait for the answer.
func (b *Builder) askOnly(ctx context.Context, path string, acct *account.Account, s *modgw.Sandbox) (interpreter, error) {
	real, state, err := fileState(path, acct)
	if err != nil {
		return interpreter{}, err
	}
	key := answerKey{path, state, uidOf(acct)}
	asking, _ := b.asking.LoadOrStore(key, make(chan struct{}, 1))
	turn := asking.(chan struct{})
	select {
	case turn <- struct{}{}:
		defer func() { <-turn }()
	case <-ctx.Done():
		return interpreter{}, context.Cause(ctx)
	}
	if i, ok := b.pythons.Load(key); ok {
		return i.(interpreter), nil
	}
	i, err := b.probe(ctx, path, acct, b.confineInterpreter(s, path))
	if err != nil {
		return interpreter{}, err
	}
	i.Path, i.state = real, state
	b.pythons.Store(key, i)
	return i, nil
}

func (b *Builder) probe(ctx context.Context, path string, acct *account.Account, rules *sandbox.Rules) (interpreter, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, probeTimeout, fmt.Errorf("it said nothing within %s", probeTimeout))
	defer cancel()
	p := process{account: acct, rules: rules, dir: "/", env: []string{"PATH=" + safePath, "LANG=C.UTF-8", "HOME=/"}}
	p.args = []string{path, "-I", "-c", probeScript}
	out, err := p.output(ctx)
	if err != nil && strings.Contains(out, "Unknown option: -I") {
		p.args[1] = "-E"
		out, err = p.output(ctx)
	}
	if err != nil {
		return interpreter{}, err
	}
	var i interpreter
	_, answer, ok := strings.Cut(out, "modgw:")
	if !ok || json.Unmarshal([]byte(answer), &i) != nil || i.Version == "" {
		return interpreter{}, errors.New("it is no Python")
	}
	return i, nil
}

// fileState finds the file behind all symbolic links and returns a value that changes when it is
// replaced. The links are followed with the account's rights, because they may be in its folders.
func fileState(path string, acct *account.Account) (real, state string, err error) {
	var info fs.FileInfo
	err = acct.Do(func() (err error) {
		if real, err = filepath.EvalSymlinks(path); err == nil {
			info, err = os.Stat(real)
		}
		return err
	})
	if err != nil {
		return "", "", err
	}
	// Not the device: its number may be another after every start of the machine.
	st := info.Sys().(*syscall.Stat_t)
	state = fmt.Sprintf("%d:%d:%d", st.Ino, st.Size, info.ModTime().UnixNano())
	return real, state, nil
}
