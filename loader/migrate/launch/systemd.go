package launch

import (
	"path"
	"slices"
	"strings"
	"time"

	"github.com/modgw/modgw/internal/lazyregexp"
	"github.com/modgw/modgw/loader/migrate"
	"github.com/modgw/modgw/loader/migrate/pyapp"
	"github.com/modgw/modgw/loader/migrate/shellwords"
)

// Systemd reads units of systemd: services, and the sockets that belong to them.
type Systemd struct{}

// Name returns the name of the format.
func (Systemd) Name() string { return "unit of systemd" }

var unitSection = lazyregexp.New(`(?m)^\[(Service|Socket)\]\s*$`)

// Recognise looks for the section of a service or a socket.
func (Systemd) Recognise(s migrate.Source) int {
	if unitSection.MatchString(s.Text) {
		return 80
	}
	return 0
}

// assignment is a line of a unit, with those that continue it.
type assignment struct {
	place      migrate.Place
	section    string
	key, value string
}

// parseUnit reads the assignments of a unit.
func parseUnit(s migrate.Source, p *migrate.Plan) (all []assignment) {
	section := ""
	for _, one := range joinLines(s, "#;", isComment) {
		place, text := one.place, one.text
		if text[0] == '[' {
			section = strings.Trim(text, "[]")
			continue
		}
		key, value, ok := strings.Cut(text, "=")
		if !ok {
			p.Problem(place, "cannot read a line of the unit that is not KEY=VALUE: %s", text)
			p.Add(place, migrate.Show(text), migrate.ByHand, "systemd ignores this line: correct it")
			continue
		}
		all = append(all, assignment{place, section, strings.TrimSpace(key), strings.TrimSpace(strings.TrimSuffix(value, `\`))})
	}
	return all
}

// unit is the reading of a service.
type unit struct {
	plan  *migrate.Plan
	path  string
	lines []assignment
	launcher
}

// syntaxes of templates of units. $X is a variable of the unit itself, and %x one of systemd.
var syntaxes = []migrate.Syntax{migrate.Braces, migrate.ERB, migrate.At, migrate.Percents, migrate.Dunder}

// Read reads a unit.
func (Systemd) Read(s migrate.Source, p *migrate.Plan) {
	s, ok := p.Template(s, syntaxes)
	if !ok {
		return
	}
	lines := parseUnit(s, p)
	if !strings.Contains(s.Text, "[Service]") {
		socketEntries(lines, p)
		return
	}
	u := &unit{plan: p, path: s.Path, lines: lines}
	u.launcher = launcher{plan: p, base: migrate.Command{Place: s.Place(1), Name: unitName(s.Path), Env: map[string]string{}}}
	u.surroundings()
	u.start()
	envFile := ""
	for _, a := range u.lines { // the apps get the properties of the process
		u.outcome(a, &envFile).Report(p, a.place, a.key)
	}
}

// unitName returns the name of a unit, which for an instance of a template is that of the instance.
func unitName(file string) string {
	name := strings.TrimSuffix(path.Base(file), path.Ext(file))
	stem, instance, isTemplate := strings.Cut(name, "@")
	if isTemplate && instance != "" {
		return instance
	}
	if slices.Contains([]string{"gunicorn", "uwsgi", "uvicorn", "daphne", "hypercorn", "granian", "waitress", "web", "app", "service"}, stem) {
		return ""
	}
	return stem
}

// specifiers replaces systemd's specifiers with known values, such as %n.
func (u *unit) specifiers(a assignment) string {
	full := path.Base(u.path)
	name := strings.TrimSuffix(full, path.Ext(full))
	prefix, instance, _ := strings.Cut(name, "@")
	var b strings.Builder
	for i := 0; i < len(a.value); i++ {
		if a.value[i] != '%' || i+1 == len(a.value) {
			b.WriteByte(a.value[i])
			continue
		}
		i++
		switch a.value[i] {
		case '%':
			b.WriteByte('%')
		case 'n':
			b.WriteString(full)
		case 'N':
			b.WriteString(name)
		case 'p', 'P':
			b.WriteString(prefix)
		case 't':
			b.WriteString("/run")
		case 'S':
			b.WriteString("/var/lib")
		case 'C':
			b.WriteString("/var/cache")
		case 'L':
			b.WriteString("/var/log")
		case 'E':
			b.WriteString("/etc")
		case 'T':
			b.WriteString("/tmp")
		case 'i', 'I', 'j', 'J':
			if instance == "" {
				b.WriteString(u.plan.Variable("instance", "%"+string(a.value[i]), a.place))
				continue
			}
			b.WriteString(instance)
		case 'h', 'u', 'U', 'g', 'H', 'l', 'm', 'b':
			b.WriteString(u.plan.Variable("systemd_"+string(a.value[i]), "%"+string(a.value[i]), a.place))
		default:
			b.WriteString(a.value[i-1 : i+1])
		}
	}
	return b.String()
}

// surroundings reads the settings that commands depend on.
func (u *unit) surroundings() {
	for i, a := range u.lines {
		u.lines[i].value = u.specifiers(a)
		a = u.lines[i]
		if a.section != "Service" {
			continue
		}
		switch a.key {
		case "User":
			u.base.User = a.value
		case "Group":
			u.base.Group = a.value
		case "WorkingDirectory":
			if dir := strings.TrimPrefix(a.value, "-"); path.IsAbs(dir) || migrate.HasVariables(dir) {
				u.base.Dir = dir
			}
		case "RootDirectory":
			u.plan.Problem(a.place, "cannot find what is below the root folder of the unit, %s: the paths of the descriptor begin in it", migrate.Quote(a.value))
		case "Environment":
			for _, one := range shellwords.Fields(a.value) {
				name, value, _ := strings.Cut(one, "=")
				u.base.Env[name] = value
			}
		case "EnvironmentFile":
			u.readEnvironmentFile(strings.TrimPrefix(a.value, "-"))
		}
	}
}

// readEnvironmentFile reads the variables of a file, so that commands can use them. They stay in
// the file.
func (u *unit) readEnvironmentFile(file string) {
	if !path.IsAbs(file) || !u.plan.Files.Exists(file) {
		return
	}
	s, err := u.plan.Files.Read(file)
	if err != nil {
		return
	}
	for _, line := range s.Lines() {
		name, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if ok && !strings.HasPrefix(name, "#") {
			value = strings.TrimSpace(value)
			if len(value) > 1 && (value[0] == '"' || value[0] == '\'') && value[len(value)-1] == value[0] {
				value = value[1 : len(value)-1]
			}
			u.base.Env[strings.TrimSpace(strings.TrimPrefix(name, "export "))] = value
		}
	}
}

// start follows the command of the service.
func (u *unit) start() {
	for _, a := range u.lines {
		if a.section != "Service" || a.key != "ExecStart" {
			continue
		}
		u.base.Place = a.place
		u.run(strings.TrimLeft(a.value, "-@:+!"))
	}
	for _, listen := range u.socket() {
		for _, app := range u.apps {
			u.plan.Serve(app, listen.value, listen.place)
		}
	}
}

// socket returns the addresses of the socket unit that belongs to the service.
func (u *unit) socket() (all []assignment) {
	file := strings.TrimSuffix(u.path, path.Ext(u.path)) + ".socket"
	if !u.plan.Files.Exists(file) {
		return nil
	}
	s, err := u.plan.Files.Read(file)
	if err != nil {
		return nil
	}
	scratch := &migrate.Plan{Files: u.plan.Files}
	lines := parseUnit(s, scratch)
	if u.plan.NoteSource(file) {
		socketEntries(lines, u.plan)
	}
	for _, a := range lines {
		if a.key == "ListenStream" {
			a.value = u.specifiers(a)
			all = append(all, a)
		}
	}
	return all
}

// socketEntries adds the entries of a socket unit.
func socketEntries(lines []assignment, p *migrate.Plan) {
	for _, a := range lines {
		out := pyapp.NotNeeded("modgw-host opens its listeners itself, or by a socket unit of its own")
		if a.key == "ListenStream" {
			out = pyapp.Listener("http", pyapp.WithHost(a.value))
			if path.IsAbs(a.value) {
				out = pyapp.Listener("http", a.value)
			}
		}
		out.Report(p, a.place, a.key)
	}
}

const ownUnit = "modgw-host has a unit of its own, modgw.service"

func (u *unit) outcome(a assignment, envFile *string) pyapp.Outcome {
	if a.section != "Service" {
		return pyapp.NotNeeded("%s", ownUnit)
	}
	if len(u.apps) == 0 {
		return pyapp.ByHand("the unit starts no server that is known: keep it, or make an http block of its command")
	}
	switch a.key {
	case "ExecStart":
		return u.started()
	case "User":
		return account(u.base.User)
	case "Group":
		return pyapp.Translated("group")
	case "WorkingDirectory":
		return pyapp.Translated("root")
	case "Environment":
		worst := pyapp.NotNeeded("it is empty")
		var set []string
		for _, one := range shellwords.Fields(a.value) {
			name, value, _ := strings.Cut(one, "=")
			for _, app := range u.apps {
				if out := setEnv(app, name, value); out.Became != migrate.NotNeeded {
					set = append(set, strings.TrimSuffix(name, "="))
				} else if len(set) == 0 {
					worst = out
				}
			}
		}
		if len(set) > 0 {
			return pyapp.Translated("env of %s", strings.Join(set, ", "))
		}
		return worst
	case "EnvironmentFile":
		return u.environmentFile(a, envFile)
	case "PassEnvironment", "UnsetEnvironment":
		return pyapp.NotNeeded("the app sees no variables but its own")
	case "ExecStartPre", "ExecStartPost", "ExecStopPost", "ExecCondition":
		return pyapp.ByHand("run it before the app is enabled, by a unit of its own, or by a build block: %s", migrate.Show(a.value))
	}
	if rule, ok := process[a.key]; ok {
		return u.process(rule, a)
	}
	if sandbox.MatchString(a.key) {
		return pyapp.ByHand("add it to modgw.service if all apps may live with it: %s=%s", a.key, migrate.Show(a.value))
	}
	return pyapp.NotNeeded("%s, and the host supervises the processes of its apps", ownUnit)
}

// sandbox matches settings that restrict a process.
var sandbox = lazyregexp.New(`^(Private|Protect|Restrict|NoNewPrivileges|ReadOnly|ReadWrite|Inaccessible|Capability|Ambient|SystemCall|MemoryDeny|Lock|Device|Root|Bind|Temporary|DynamicUser|IPAddress|Remove|Supplementary$|PAMName|AppArmor|SELinux|Slice)`)

// process has the settings of a unit that describe the process.
var process = map[string]pyapp.Rule{
	"UMask": pyapp.Umask, "Nice": pyapp.Count("nice", 19), "LimitNOFILE": limit("limits.files"), "LimitNPROC": limit("limits.processes"),
	"LimitAS": size("limits.memory"), "LimitDATA": size("limits.memory"), "LimitSTACK": size("limits.stack"), "MemoryMax": wholeMemory, "MemoryLimit": wholeMemory, "MemoryHigh": wholeMemory,
	"CPUQuota": pyapp.Text("limits.cpu"), "TasksMax": pyapp.Manual("limits.processes counts those of the user: set it"), "TimeoutStopSec": span("timeouts.stop"), "TimeoutStartSec": span("timeouts.startup"),
	"TimeoutSec": span("timeouts.stop"), "SupplementaryGroups": groups,
}

func groups(a *pyapp.App, o pyapp.Option) pyapp.Outcome {
	list := strings.Fields(o.Text())
	a.Set("groups", list)
	return pyapp.Translated("groups = %q", list)
}

// limit is the rule for a limit, of which the soft one, before the colon, counts.
func limit(name string) pyapp.Rule {
	return func(a *pyapp.App, o pyapp.Option) pyapp.Outcome {
		soft, _, _ := strings.Cut(o.Text(), ":")
		if soft == "infinity" {
			return pyapp.NotNeeded("no limit is the default")
		}
		return pyapp.Count(name, 1<<22)(a, pyapp.Option{Value: soft})
	}
}

func size(name string) pyapp.Rule {
	return func(a *pyapp.App, o pyapp.Option) pyapp.Outcome {
		soft, _, _ := strings.Cut(o.Text(), ":")
		if soft == "infinity" {
			return pyapp.NotNeeded("no limit is the default")
		}
		n, unit := strings.TrimRight(soft, "KMGTkmgt"), int64(1)
		if suffix := strings.ToUpper(strings.TrimPrefix(soft, n)); suffix != "" {
			unit = int64(1) << (10 * (1 + strings.Index("KMGT", suffix[:1])))
		}
		return pyapp.Size(name, unit)(a, pyapp.Option{Value: n})
	}
}

func wholeMemory(_ *pyapp.App, o pyapp.Option) pyapp.Outcome {
	return pyapp.ByHand("it was for all processes of the unit together: set limits.memory of each process, or recycle.memory, with %s in mind", migrate.Quote(o.Text()))
}

// span is the rule for a time as systemd writes it: 90, 90s, 5min, "1min 30s".
func span(name string) pyapp.Rule {
	return func(a *pyapp.App, o pyapp.Option) pyapp.Outcome {
		text := strings.NewReplacer(" ", "", "min", "m", "sec", "s", "hours", "h", "hour", "h", "hr", "h").Replace(o.Text())
		if text == "infinity" {
			return pyapp.ByHand("%s has a limit always: set it", name)
		}
		if strings.Trim(text, "0123456789.") == "" {
			text += "s"
		}
		d, err := time.ParseDuration(text)
		if err != nil || d <= 0 {
			return pyapp.ByHand("%s is not a time: set %s", migrate.Quote(o.Text()), name)
		}
		a.Set(name, d)
		return pyapp.Translated("%s = %q", name, d)
	}
}

func (u *unit) environmentFile(a assignment, first *string) pyapp.Outcome {
	file := strings.TrimPrefix(a.value, "-")
	switch {
	case *first != "":
		return pyapp.ByHand("a descriptor has one env_file: put the lines of %s into %s", migrate.Quote(file), *first)
	case strings.HasPrefix(a.value, "-") && !u.plan.Files.Exists(file):
		return pyapp.NotNeeded("there is no such file, and it may be missing")
	}
	*first = file
	for _, app := range u.apps {
		app.Set("env_file", file)
	}
	return pyapp.Translated("env_file = %q", file)
}
