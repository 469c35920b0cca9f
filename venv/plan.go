package venv

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"path/filepath"
	"runtime"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/modgw"
)

// formatVersion changes when environments that an older version of this package built must not be
// used any more.
const formatVersion = "modgw environment 3"

// plan is everything that is known before anything is built.
type plan struct {
	descriptor modgw.Descriptor
	account    *account.Account
	host       hostEnviron // as much of it as the build may know
	recipe     recipe      // nil: the app needs no environment
	existing   bool        // the descriptor names its own virtual environment
	python     string      // interpreter of that one; "" where existing is not set
	hash       string      // hash of all inputs, and the name of the folder
	dir        string
	progress   func(Step)
	unread     []string // as in [modgw.Environment], of an app without a recipe
}

// plan finds out which environment d needs.
func (b *Builder) plan(ctx context.Context, d modgw.Descriptor, progress func(Step)) (*plan, error) {
	if needsNothing(d) {
		return &plan{descriptor: d}, nil
	}
	acct, err := lookupAccount(d)
	if err != nil {
		return nil, err
	}
	p := &plan{descriptor: d, account: acct, host: b.host.knownTo(d), progress: progress}
	if d.UsesPython() && d.Python.Venv != "" {
		return p, b.planExisting(ctx, p)
	}
	if p.recipe, err = b.recipe(ctx, p); err != nil || p.recipe == nil {
		return p, err
	}
	p.nameEnvironment(b)
	return p, nil
}

// nameEnvironment names the environment by its recipe. Apps of one user with the same recipe share
// it.
func (p *plan) nameEnvironment(b *Builder) {
	h := sha256.New()
	feed(h, formatVersion, runtime.GOOS, runtime.GOARCH, fmt.Sprint(uidOf(p.account)))
	for _, part := range p.recipe.identity() {
		feed(h, part...)
	}
	p.hash = hex.EncodeToString(h.Sum(nil))[:hashLength]
	p.dir = filepath.Join(b.envs, p.hash)
}

// hashLength is the number of hexadecimal digits in the name of an environment.
const hashLength = 12

// id is the name of the environment for this app.
func (p *plan) id() string {
	if p == nil || p.hash == "" {
		return ""
	}
	return string(p.descriptor.Name) + "-" + p.hash
}

func (p *plan) lockPath() string { return p.dir + ".lock" }

// feed writes a list so that no other list is written the same way.
func feed(w io.Writer, list ...string) {
	fmt.Fprintf(w, "%d:", len(list))
	for _, s := range list {
		fmt.Fprintf(w, "%d:%s", len(s), s)
	}
}

func (p *plan) say(format string, args ...any) {
	p.progress(Step{App: p.descriptor.Name, Text: p.mask(fmt.Sprintf(format, args...))})
}

// mask takes the descriptor's secrets out of a text.
func (p *plan) mask(text string) string { return modgw.RedactString(text, p.descriptor.Secrets) }

func (p *plan) sayOutput(line string) {
	p.progress(Step{App: p.descriptor.Name, Text: line, Output: true})
}
