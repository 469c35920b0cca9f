package loader

import (
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/internal/lazyregexp"
	"github.com/modgw/modgw/modgw"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// scope has the variables and functions of the expressions of one file, or of one app in it, and
// records their use.
type scope struct {
	*record
	opts      Options
	home      string // path.dir
	app       modgw.AppName
	files     *reader
	functions map[string]function.Function // nil: context makes them

	// callsNothing means that no expression of the file calls a function, so none has to be made.
	callsNothing bool
}

// record collects the secrets and files that the expressions of an app, and of the defaults for it,
// have used.
type record struct {
	dir         string // folder of relative paths: home, then root
	sources     []string
	secrets     []string
	secretFiles []string // the sources that secret() read
	variables   []string // names of variables of the host that env() looked up
}

// secretMark is the cty mark of values that must not be shown.
type secretMark struct{}

// newScope is the scope of a file in the folder home.
func newScope(home string, opts Options) *scope {
	if opts.tools == nil {
		opts.tools = newTools()
	}
	return (&scope{record: &record{dir: home}, opts: opts, home: home}).complete()
}

func (s *scope) complete() *scope {
	s.files = &reader{as: s.opts.Account, seen: s.record, within: s.confinedTo()}
	return s
}

// confinedTo returns the folders whose files a descriptor may name; nil: all that its user can
// read. The host does not read files for an app that the app cannot read in its sandbox.
func (s *scope) confinedTo() []string {
	if s.opts.Account == nil {
		return nil
	}
	tenant, ok := s.opts.Tenants.Of(s.opts.Account.Name)
	if !ok || tenant.Ceilings.Sandbox == nil {
		return nil
	}
	return slices.Concat([]string{s.home}, tenant.Ceilings.Sandbox.Write, tenant.Ceilings.Sandbox.Read)
}

// forApp returns a scope for one app. Files that the descriptor file has read count for each of its
// apps.
func (s *scope) forApp(name modgw.AppName) *scope {
	known := &record{
		dir: s.home, sources: slices.Clone(s.sources), secrets: slices.Clone(s.secrets),
		secretFiles: slices.Clone(s.secretFiles), variables: slices.Clone(s.variables),
	}
	own := &scope{record: known, opts: s.opts, home: s.home, app: name, callsNothing: s.callsNothing}
	return own.complete()
}

// withRights returns the same scope with the rights of the account; nil is the host.
func (s *scope) withRights(as *account.Account) *scope {
	other := &scope{record: s.record, opts: s.opts, home: s.home, app: s.app}
	other.opts.Account = as
	return other.complete()
}

// context returns the context in which expressions are evaluated.
func (s *scope) context(names names) *hcl.EvalContext {
	vars := map[string]cty.Value{
		"path": cty.ObjectVal(map[string]cty.Value{"dir": cty.StringVal(s.home)}),
		"host": cty.ObjectVal(map[string]cty.Value{
			"cpus": cty.NumberIntVal(int64(s.opts.cpus())),
			"name": cty.StringVal(s.opts.hostname()),
		}),
		"var":   object(names.variables),
		"local": object(names.locals),
	}
	if s.app != "" {
		vars["app"] = cty.ObjectVal(map[string]cty.Value{"name": cty.StringVal(string(s.app))})
	}
	if s.functions == nil && !s.callsNothing {
		s.functions = s.table()
	}
	return &hcl.EvalContext{Variables: vars, Functions: s.functions}
}

// withNames is a context with more variables; the context itself stays as it is.
func withNames(context *hcl.EvalContext, more map[string]cty.Value) *hcl.EvalContext {
	if len(more) == 0 {
		return context
	}
	variables := maps.Clone(context.Variables)
	maps.Copy(variables, more)
	return &hcl.EvalContext{Variables: variables, Functions: context.Functions}
}

// names are the values that a file gives names to.
type names struct {
	variables map[string]cty.Value // var.*
	locals    map[string]cty.Value // local.*
}

func object(values map[string]cty.Value) cty.Value {
	if len(values) == 0 {
		return cty.EmptyObjectVal
	}
	return cty.ObjectVal(maps.Clone(values))
}

// withOnce is a list with an element, which it may have already.
func withOnce(list []string, element string) []string {
	if slices.Contains(list, element) {
		return list
	}
	return append(list, element)
}

// noteSecret remembers a value that must not be shown.
func (r *record) noteSecret(value string) {
	if value != "" {
		r.secrets = withOnce(r.secrets, value)
	}
}

// noteSource remembers a file or folder that was looked at.
func (r *record) noteSource(path string) { r.sources = withOnce(r.sources, path) }

// noteSecretFile remembers a file whose text is a secret.
func (r *record) noteSecretFile(path string) { r.secretFiles = withOnce(r.secretFiles, path) }

// noteHostVariable remembers the name of a variable of the host's environment.
func (r *record) noteHostVariable(name string) { r.variables = withOnce(r.variables, name) }

var secretName = lazyregexp.New(`(?i)secret|passw|token|credential|api_?key|private_?key|_dsn$|database_url`)

// noteVariable treats an environment variable with a telling name as a secret, regardless of its
// source.
func (r *record) noteVariable(name, value string) {
	if secretName.MatchString(name) {
		r.noteSecret(value)
	}
}

// noteMarked remembers the strings in v that are marked as secret: also those that were computed
// from one.
func (r *record) noteMarked(v cty.Value, marked bool) {
	if v.IsMarked() {
		v, _ = v.Unmark()
		marked = true
	}
	switch {
	case !v.IsKnown() || v.IsNull():
	case v.Type() == cty.String:
		if marked {
			r.noteSecret(v.AsString())
		}
	case v.CanIterateElements():
		for it := v.ElementIterator(); it.Next(); {
			key, element := it.Element()
			r.noteMarked(key, marked)
			r.noteMarked(element, marked)
		}
	}
}
