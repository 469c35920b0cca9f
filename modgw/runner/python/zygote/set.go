package zygote

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/workers"
)

// defaultDelay is the delay of a Set that has none.
const defaultDelay = time.Second

// Set is the zygotes of a host, one for each app and environment. It starts no process until a
// worker has reported its modules. Zygotes of apps that load the same modules of the same
// environment share a template process.
type Set struct {
	// Delay is the age of a new generation at which its template process is prepared, which takes
	// CPU time from its first requests. 0: one second.
	Delay time.Duration

	mu      sync.Mutex
	zygotes map[string]*Zygote // by App.key

	shared map[string][]*sharedTemplate // by App.sharingKey
	turns  map[string]*turn             // by App.sharingKey
}

// App has the facts about a generation of an app that a zygote needs.
type App struct {
	Descriptor  modgw.Descriptor   // as the runner has it
	Environment *modgw.Environment // its interpreter runs the template
	User        *account.Account   // nil: the host's own
	Dir         string             // the Python code of the worker
	Sandbox     *workers.Sandbox   // confines the template and its workers; nil: nothing does
	Stdin       *os.File           // standard input of the workers; nil: it is empty
	Log         *slog.Logger       // takes records about the template; not nil

	// Verify is called before each start of an interpreter. It restores the code in Dir.
	Verify func() error

	// IsIdle reports whether no request of the app is executed and none waits.
	IsIdle func() bool
}

// Join returns the zygote for a generation, which is its user until [Set.Leave].
func (s *Set) Join(a App) *Zygote {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := a.key()
	z := s.zygotes[key]
	if z == nil {
		z = &Zygote{set: s, key: key, delay: s.Delay, excluded: make(map[string]string)}
		if z.delay == 0 {
			z.delay = defaultDelay
		}
		z.ctx, z.cancel = context.WithCancel(context.Background())
		if s.zygotes == nil {
			s.zygotes = make(map[string]*Zygote)
		}
		s.zygotes[key] = z
	}
	z.users++
	return z
}

// Leave ends a zygote when its last user leaves. The workers of the user must have ended.
func (s *Set) Leave(z *Zygote) {
	s.mu.Lock()
	z.users--
	last := z.users == 0
	if last {
		delete(s.zygotes, z.key)
	}
	s.mu.Unlock()
	if last {
		z.close()
	}
}

// Len returns the number of zygotes that are in use.
func (s *Set) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.zygotes)
}

// key names everything that shapes a process before it loads the app. The app's root is not part of
// it: each release may have its own, and a worker changes to it after the fork.
func (a *App) key() string {
	return string(a.Descriptor.Name) + " " + a.Environment.ID + " " + a.shape()
}

// shape is key without the app and the name of its environment.
func (a *App) shape() string {
	hash := sha256.New()
	d, env := a.Descriptor, a.Environment
	fmt.Fprintf(hash, "%q %q %q %q", env.Dir, env.Interpreter, env.SearchPath, a.Dir)
	fmt.Fprintf(hash, "%v %q %d", d.Limits, d.Umask, d.Nice)
	fmt.Fprintf(hash, "%q", d.ProcessEnv(env, a.User.HomeDir()))
	if s := d.Sandbox; s != nil { // the workers are confined as their template is
		fmt.Fprintf(hash, "%q %q %v %t %q %q", s.Read, s.Writable(d.Root), s.Network, s.Learn, s.Within, s.WithinWrite)
		fmt.Fprintf(hash, "%q %q %q %q", d.Root, d.Home, d.Python.Path, d.Entry())
	}
	if c := a.User.Credential(); c != nil {
		fmt.Fprintf(hash, "%d %d %d", c.Uid, c.Gid, slices.Sorted(slices.Values(c.Groups)))
	}
	return string(hash.Sum(nil))
}
