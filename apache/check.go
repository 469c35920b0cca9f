package apache

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/modgw/modgw/internal/lazyregexp"
	"github.com/modgw/modgw/modgw"
)

// Level is the severity of a finding.
type Level string

// The levels of findings.
const (
	Good    Level = "good"    // as it should be
	Advice  Level = "advice"  // works, and could be better
	Problem Level = "problem" // requests will fail
)

// Finding is one thing that a check found out.
type Finding struct {
	Level Level  `json:"level"`         // how bad it is
	Text  string `json:"text"`          // the fact, in one sentence
	Fix   string `json:"fix,omitempty"` // command or line that fixes it; "": nothing to fix
}

// CheckConfig is the input of [Check].
type CheckConfig struct {
	Options

	Program   string             // path of httpd; "": the first that is found
	Apps      []modgw.Descriptor // apps to serve
	Listeners []modgw.Listener   // listeners of the host
}

// Check reports whether the installed Apache can serve apps with the configuration that [Config]
// writes. Findings come worst first; an error means that Apache could not be examined.
func Check(ctx context.Context, c CheckConfig) ([]Finding, error) {
	up, err := upstreamOf(c.Listeners, c.TrustedProxies)
	if err != nil {
		return nil, err
	}
	p, err := Find(ctx, c.Program)
	if err != nil {
		return nil, err
	}
	found := p.checkVersion(up, c.Apps)
	found = append(found, p.checkModules(ctx, needs(up, c.Apps, c.Options))...)
	user := p.user(ctx)
	for _, a := range up.sockets() {
		found = append(found, checkSocket(a, user))
	}
	return Sorted(found), nil
}

// Sorted puts the worst findings first.
func Sorted(found []Finding) []Finding {
	slices.SortStableFunc(found, func(a, b Finding) int { return severity(b.Level) - severity(a.Level) })
	return found
}

func severity(l Level) int { return slices.Index([]Level{Good, Advice, Problem}, l) }

func (u upstream) sockets() []modgw.Address {
	var sockets []modgw.Address
	for _, a := range []modgw.Address{u.fcgi, u.web} {
		if a != "" && a.Network() == "unix" {
			sockets = append(sockets, a)
		}
	}
	return sockets
}

// quirks are versions of Apache that lack something which the configuration relies on.
var quirks = []struct {
	before, from string // from "" is the first
	websockets   bool   // matters only for them
	beside       bool   // matters only if Apache uses FastCGI as well
	text, fix    string
}{
	{"2.4.26", "", false, false, "an app that does not answer in time looks like 503 instead of 504, and CGIPassAuth may be missing", "upgrade Apache"},
	{"2.4.47", "", true, false, "WebSockets cannot pass: ProxyPass has no upgrade=websocket", "upgrade Apache to 2.4.47 or later"},
	{"2.4.51", "2.4.49", false, false, "files outside of folders can be read (CVE-2021-41773, CVE-2021-42013)", "upgrade Apache at once"},
	{"2.4.63", "2.4.60", false, false, "Unix sockets in ProxyPass have regressions (AH01059, PR 69203)", "upgrade Apache to 2.4.63 or later"},
	{"2.4.63", "", true, true, "WebSockets over a Unix socket need RewriteRule [P] of 2.4.63", "upgrade Apache to 2.4.63 or later, or let the host listen with HTTP alone"},
}

func (p *Program) checkVersion(up upstream, apps []modgw.Descriptor) []Finding {
	found := []Finding{{Good, fmt.Sprintf("Apache %s at %s", p.Version, p.Path), ""}}
	upgrades := slices.ContainsFunc(apps, up.upgrades)
	for _, q := range quirks {
		if !p.before(q.before) || q.from != "" && p.before(q.from) || q.websockets && !upgrades || q.beside && up.fcgi == "" {
			continue
		}
		found = append(found, Finding{Problem, fmt.Sprintf("Apache %s: %s", p.Version, q.text), q.fix})
	}
	return found
}

func (p *Program) checkModules(ctx context.Context, needed []string) []Finding {
	loaded, out, err := p.loaded(ctx)
	if err != nil {
		return []Finding{{Problem, "Apache does not accept its own configuration: " + lastLine(out), "apachectl configtest"}}
	}
	var missing []string
	for _, m := range needed {
		if !slices.Contains(loaded, m) {
			missing = append(missing, m)
		}
	}
	found := []Finding{{Good, "all modules that the configuration needs are loaded: " + join(needed), ""}}
	if len(missing) > 0 {
		found = []Finding{{Problem, "modules are not loaded: " + join(missing), p.enable(missing)}}
	}
	if slices.Contains(loaded, "mpm_prefork") {
		fix := "load mpm_event in place of mpm_prefork"
		if p.debian() {
			fix = "a2dismod mpm_prefork && a2enmod mpm_event && systemctl restart apache2"
		}
		found = append(found, Finding{Advice, "the prefork MPM needs a whole process for each request and each WebSocket", fix})
	}
	return found
}

// enable returns the command that loads modules on this system.
func (p *Program) enable(modules []string) string {
	if p.debian() {
		return "a2enmod " + join(modules) + " && systemctl restart apache2"
	}
	var lines, absent []string
	for _, m := range modules {
		if file := p.file(m); file != "" {
			lines = append(lines, fmt.Sprintf("LoadModule %s_module %s", m, file))
		} else {
			absent = append(absent, "mod_"+m)
		}
	}
	if len(absent) > 0 {
		lines = append(lines, "install "+join(absent)+", of which there is no file")
	}
	return strings.Join(lines, "\n")
}

var (
	loadedPattern = lazyregexp.New(`(?m)^\s*(\w+)_module \(`)
	userPattern   = lazyregexp.New(`(?m)^User: name="([^"]+)"`)
)

// loaded are the modules that the system's Apache runs with.
func (p *Program) loaded(ctx context.Context) (modules []string, output string, err error) {
	output, err = ask(ctx, p.speaker(), "-M")
	for _, m := range loadedPattern.FindAllStringSubmatch(output, -1) {
		modules = append(modules, m[1])
	}
	return modules, output, err
}

// user is who answers requests in the system's Apache.
func (p *Program) user(ctx context.Context) string {
	out, _ := ask(ctx, p.speaker(), "-t", "-D", "DUMP_RUN_CFG")
	if m := userPattern.FindStringSubmatch(out); m != nil {
		return m[1]
	}
	name, _ := Account()
	return name
}

// speaker is the program that can be asked about the system's configuration.
func (p *Program) speaker() string {
	if p.Control != "" {
		return p.Control
	}
	return p.Path
}

func lastLine(output string) string {
	lines := strings.Split(strings.TrimSpace(output), "\n")
	for _, l := range slices.Backward(lines) {
		if !strings.HasPrefix(l, "AH00558") && !strings.HasPrefix(l, "Action ") && !strings.HasPrefix(l, "The Apache error log") {
			return l
		}
	}
	return strings.TrimSpace(output)
}
