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

// formatVersion changes when environments that an older version of this package built must not be used any more.
const formatVersion = "modgw environment 1"

// plan is everything that is known before anything is built.
type plan struct {
	descriptor  modgw.Descriptor
	account     *account.Account
	inputs      inputs
	interpreter interpreter
	existing    bool // the descriptor names its own virtual environment
	tool        tool // nil when existing
	id          string
	dir         string
	progress    func(Step)
}

// plan finds the inputs, the interpreter and the tool for d.
func (b *Builder) plan(ctx context.Context, d modgw.Descriptor, progress func(Step)) (*plan, error) {
	acct, err := lookupAccount(d)
	if err != nil {
		return nil, err
	}
	p := &plan{descriptor: d, account: acct, progress: progress}
	if p.inputs, err = readInputs(d, acct); err != nil {
		return nil, err
	}
	if d.Python.Venv != "" {
		return p, b.planExisting(ctx, p)
	}
	s := search{builder: b, account: acct, app: d.Name, demands: p.inputs.demands, say: p.say}
	if p.interpreter, err = s.find(ctx); err != nil {
		return nil, err
	}
	if p.tool, err = b.chooseTool(ctx, p); err != nil {
		return nil, err
	}
	p.id = fmt.Sprintf("%s-%s", d.Name, p.hash(b.host))
	p.dir = filepath.Join(b.envs, p.id)
	return p, nil
}

// hash is over all that decides what the environment holds.
func (p *plan) hash(host hostEnviron) string {
	h := sha256.New()
	feed(h, formatVersion, runtime.GOOS, runtime.GOARCH, fmt.Sprint(uidOf(p.account)))
	feed(h, p.interpreter.identity()...)
	if p.tool != nil {
		feed(h, p.tool.String())
		feed(h, host.indexSettings()...)
	}
	feed(h, p.inputs.decisive...)
	return hex.EncodeToString(h.Sum(nil))[:12]
}

// feed writes a list so that no other list is written the same way.
func feed(w io.Writer, list ...string) {
	fmt.Fprintf(w, "%d:", len(list))
	for _, s := range list {
		fmt.Fprintf(w, "%d:%s", len(s), s)
	}
}

func (p *plan) say(format string, args ...any) {
	p.progress(Step{App: p.descriptor.Name, Text: fmt.Sprintf(format, args...)})
}

func (p *plan) sayOutput(line string) {
	p.progress(Step{App: p.descriptor.Name, Text: line, Output: true})
}
