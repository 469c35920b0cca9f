package pyapp

import (
	"fmt"
	"math"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/modgw/modgw/loader"
	"github.com/modgw/modgw/loader/migrate"
)

// Option is one option of a source.
type Option struct {
	Place migrate.Place // its first line
	Name  string        // as the source has it
	Value any           // string, int64, float64, bool, []string, nil, or loader.Expression
}

// Text is the value as text; lists have a comma between their items.
func (o Option) Text() string {
	switch v := o.Value.(type) {
	case nil:
		return ""
	case string:
		return v
	case []string:
		return strings.Join(v, ", ")
	}
	return fmt.Sprint(o.Value)
}

// Outcome is the result of translating an option.
type Outcome struct {
	Became migrate.Became // kind of outcome
	Reason string         // phrase, as [migrate.Entry] has it
}

// Rule puts an option into an app.
type Rule func(a *App, o Option) Outcome

// Report adds the entry of an option to the plan. Variables of templates are shown as the source
// has them.
func (o Outcome) Report(p *migrate.Plan, at migrate.Place, name string) {
	reason := variableMarks.Replace(o.Reason)
	p.Add(at, p.Written(name), o.Became, "%s", p.Written(reason))
}

// variableMarks turns quoted marks of variables back into marks.
var variableMarks = strings.NewReplacer(`\ue000`, "\ue000", `\ue001`, "\ue001")

// Translated is an option that became something.
func Translated(format string, args ...any) Outcome {
	return Outcome{migrate.Translated, fmt.Sprintf(format, args...)}
}

// NotNeeded is an option that nothing is needed for.
func NotNeeded(format string, args ...any) Outcome {
	return Outcome{migrate.NotNeeded, fmt.Sprintf(format, args...)}
}

// ByHand is an option that an administrator has to do something for.
func ByHand(format string, args ...any) Outcome {
	return Outcome{migrate.ByHand, fmt.Sprintf(format, args...)}
}

// Drop is the rule for options that are not needed, with the reason.
func Drop(reason string) Rule {
	return func(*App, Option) Outcome { return NotNeeded("%s", reason) }
}

// Manual is the rule for options that have to be done by hand, with the task.
func Manual(task string) Rule {
	return func(*App, Option) Outcome { return ByHand("%s", task) }
}

// ManualWith is [Manual] for a task that has the value of the option for its %s.
func ManualWith(task string) Rule {
	return func(_ *App, o Option) Outcome { return ByHand(task, migrate.Quote(o.Text())) }
}

// Reasons that options of several servers share.
const (
	Supervises     = "the host always supervises the processes of its apps"
	KeepsLogs      = "the host keeps the logs of its apps: modgw-host logs shows them"
	LogsRequests   = "requests are logged by the access_log block of the host's own file"
	NamesProcesses = "the host names the processes of its apps"
	Connects       = "the web server in front connects to a listener of the host"
	BoundsClients  = "timeouts and limits of clients belong to the listen block of the host's own file"
)

// Table maps the options of a server to their translations.
type Table = TableOf[Rule]

// TableOf maps options to rules of a reader's own kind.
type TableOf[R any] []struct {
	Rule  R
	Names string // names with spaces between them
}

// ByName returns the rules of the options by their names. Of a name that is there twice the last
// one counts.
func (t TableOf[R]) ByName() map[string]R {
	rules := map[string]R{}
	for _, o := range t {
		for name := range strings.FieldsSeq(o.Names) {
			rules[name] = o.Rule
		}
	}
	return rules
}

// shown is a setting as a reason has it: "workers = 4".
func shown(setting string, value any) string {
	setting = strings.TrimPrefix(setting, "kind.")
	if e, ok := value.(loader.Expression); ok {
		return fmt.Sprintf("%s = %s", setting, e)
	}
	if s, ok := value.(string); ok {
		return fmt.Sprintf("%s = %q", setting, s)
	}
	return fmt.Sprintf("%s = %v", setting, value)
}

// set writes a setting and reports it.
func set(a *App, name string, value any) Outcome {
	a.Set(name, value)
	return Translated("%s", shown(name, value))
}

// Number returns a value that is a whole number.
func Number(value any) (int, bool) {
	switch v := value.(type) {
	case int64:
		return int(v), v >= 0 && v <= math.MaxInt32
	case float64:
		return int(v), v >= 0 && v <= math.MaxInt32 && v == math.Trunc(v)
	case string:
		n, err := strconv.Atoi(strings.TrimSpace(v))
		return n, err == nil && n >= 0 && n <= math.MaxInt32
	}
	return 0, false
}

// Count is the rule for a setting that is a whole number. Zero is as if the option were not there.
func Count(name string, most int) Rule {
	return func(a *App, o Option) Outcome {
		if e, ok := o.Value.(loader.Expression); ok {
			return set(a, name, e)
		}
		n, ok := Number(o.Value)
		switch {
		case !ok:
			return ByHand("%s is not a whole number: set %s", migrate.Quote(o.Text()), strings.TrimPrefix(name, "kind."))
		case n > most:
			return ByHand("%s can be at most %d: set it", strings.TrimPrefix(name, "kind."), most)
		case n == 0:
			return NotNeeded("0 is the default")
		}
		return set(a, name, n)
	}
}

// Fewest is the rule for the number of workers that an app keeps under little load. The option for
// the largest number was read before.
func Fewest(a *App, o Option) Outcome {
	n, ok := Number(o.Value)
	most, known := a.Get("kind.workers").(int)
	switch {
	case !ok || !known && n > 0:
		return ByHand("set workers = { min, max }: %s", migrate.Quote(o.Text()))
	case n == 0 || n >= most:
		return NotNeeded("the app always has the same number of workers")
	}
	return set(a, "kind.workers", loader.Expression(fmt.Sprintf("{ min = %d, max = %d }", n, most)))
}

// Seconds is the rule for a setting that is a duration, from a number of seconds. Zero has the
// meaning in none: no limit, or the default if none is empty.
func Seconds(name, none string) Rule {
	return func(a *App, o Option) Outcome {
		seconds, ok := float(o.Value)
		if !ok || seconds < 0 || seconds > 1e8 {
			return ByHand("%s is not a number of seconds: set %s", migrate.Quote(o.Text()), name)
		}
		if seconds == 0 && none == "" {
			return NotNeeded("0 is the default")
		}
		d := time.Duration(seconds * float64(time.Second))
		a.Set(name, d)
		return Translated("%s = %q", name, d)
	}
}

func float(value any) (float64, bool) {
	switch v := value.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	case string:
		f, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
		return f, err == nil && !math.IsNaN(f)
	}
	return 0, false
}

// Size is the rule for a setting that is a size, from a number of units of so many bytes.
func Size(name string, unit int64) Rule {
	return func(a *App, o Option) Outcome {
		n, ok := Number(o.Value)
		if !ok || int64(n) > math.MaxInt64/unit {
			return ByHand("%s is not a size: set %s", migrate.Quote(o.Text()), name)
		}
		if n == 0 {
			return NotNeeded("0 is the default")
		}
		a.Set(name, loader.Bytes(int64(n)*unit))
		return Translated("%s", name)
	}
}

// Text is the rule for a setting that is text.
func Text(name string) Rule {
	return func(a *App, o Option) Outcome {
		if o.Text() == "" {
			return NotNeeded("it is empty")
		}
		return set(a, name, o.Text())
	}
}

// Account is the rule for a user or a group. Numbers of accounts are kept as they are.
func Account(name string) Rule {
	return func(a *App, o Option) Outcome {
		account := o.Text()
		switch account {
		case "":
			return NotNeeded("it is empty")
		case "root", "0":
			return ByHand("apps never run as root: make an account for the app and set %s to it", name)
		}
		return set(a, name, account)
	}
}

// Umask is the rule for a file mode mask, in octal.
func Umask(a *App, o Option) Outcome {
	text := o.Text()
	if n, ok := o.Value.(int64); ok {
		text = strconv.FormatInt(n, 8)
	}
	text = strings.TrimPrefix(strings.TrimPrefix(text, "0o"), "0O")
	n, err := strconv.ParseUint(text, 8, 12)
	if err != nil || n > 0o777 {
		return ByHand("%s is not a mask in octal: set umask", migrate.Quote(o.Text()))
	}
	return set(a, "umask", fmt.Sprintf("%04o", n))
}

// Absolute is a path below the working directory of the app, or of the folder of its configuration.
func (a *App) Absolute(name string) string {
	if path.IsAbs(name) || beginsWithVariable(name) {
		return name
	}
	switch {
	case a.Dir != "":
		return path.Join(a.Dir, name)
	case a.Beside != "":
		return path.Join(a.Beside, name)
	}
	return name
}

// Chdir is the rule for the working directory.
func Chdir(a *App, o Option) Outcome {
	dir := o.Text()
	if dir == "" {
		return NotNeeded("it is empty")
	}
	if !path.IsAbs(dir) && !migrate.HasVariables(dir) {
		if a.Dir == "" && a.Beside == "" {
			return ByHand("the folder that %s is relative to is not known: set root", migrate.Quote(dir))
		}
		dir = a.Absolute(dir)
	}
	a.Dir = strings.TrimSuffix(dir, "/")
	if a.Dir == "" {
		a.Dir = "/"
	}
	return Translated("root = %q", a.Dir)
}

// Venv is the rule for the folder of a virtual environment. A bin or site-packages in it is taken
// off.
func Venv(a *App, o Option) Outcome {
	dir := strings.TrimSuffix(o.Text(), "/")
	if dir == "" {
		return NotNeeded("it is empty")
	}
	if venv, ok := VenvOf(dir); ok {
		dir = venv
	}
	for _, below := range []string{"/bin/activate_this.py", "/bin/python", "/bin/python3", "/bin"} {
		dir = strings.TrimSuffix(dir, below)
	}
	if isSystem(dir) {
		return NotNeeded("it is the Python of the system, which is the default")
	}
	a.Venv = a.Absolute(dir)
	return Translated("python.venv = %q", a.Venv)
}

// ModulePath is the rule for folders of modules, with ":" or "," between them.
func ModulePath(a *App, o Option) Outcome {
	var dirs []string
	for _, dir := range strings.FieldsFunc(o.Text(), func(r rune) bool { return r == ':' || r == ',' }) {
		dir = strings.TrimSpace(dir)
		if dir == "" {
			continue
		}
		dir = a.Absolute(dir)
		dirs = append(dirs, dir)
		a.Path = append(a.Path, strings.TrimSuffix(dir, "/"))
	}
	if len(dirs) == 0 {
		return NotNeeded("it is empty")
	}
	if venv, ok := VenvOf(dirs[0]); ok && a.Venv == "" && len(dirs) == 1 {
		return Translated("python.venv = %q", venv)
	}
	return Translated("python.path = %q", dirs)
}

// Paste is the entry for the file of a paste.deploy app.
func Paste(a *App, file string) string {
	return "paste.deploy:loadapp('config:" + a.Absolute(strings.TrimPrefix(file, "config:")) + "')"
}

// Variable is the rule for an environment variable as NAME=VALUE.
func Variable(a *App, o Option) Outcome {
	name, value, ok := strings.Cut(o.Text(), "=")
	name = strings.TrimSpace(name)
	if !ok || name == "" {
		return ByHand("%s is not NAME=VALUE: set env", migrate.Quote(o.Text()))
	}
	return a.SetEnv(name, strings.TrimSpace(value))
}

// SetEnv gives an environment variable a value. Those that find Python have settings of their own.
func (a *App) SetEnv(name string, value any) Outcome {
	text, _ := value.(string)
	switch {
	case name == "PYTHONPATH":
		return ModulePath(a, Option{Value: text})
	case name == "VIRTUAL_ENV":
		return Venv(a, Option{Value: text})
	case name == "PATH":
		for dir := range strings.SplitSeq(text, ":") {
			if venv, ok := VenvOfProgram(dir + "/x"); ok && a.Venv == "" && path.Base(dir) == "bin" && looksLikeVenv(venv) {
				a.Venv = venv
				return Translated("python.venv = %q", venv)
			}
		}
		a.Env(name, value)
		return Translated("env.PATH")
	case name == "PYTHONUNBUFFERED" || name == "PYTHONDONTWRITEBYTECODE":
		return NotNeeded("the host passes on what an app prints at once, and workers need not write bytecode")
	case name == "GUNICORN_CMD_ARGS" || name == "WEB_CONCURRENCY":
		return NotNeeded("it is read with the command line")
	case strings.HasPrefix(name, "MODGW_") || ownNames[name]:
		return NotNeeded("the host sets it itself")
	}
	a.Env(name, value)
	return Translated("env.%s", name)
}

// ownNames are variables that belong to the host.
var ownNames = map[string]bool{"LISTEN_FDS": true, "LISTEN_PID": true, "LISTEN_FDNAMES": true, "NOTIFY_SOCKET": true,
	"WATCHDOG_USEC": true, "WATCHDOG_PID": true, "PORT": true}

// looksLikeVenv reports whether the name of a folder suggests a virtual environment.
func looksLikeVenv(dir string) bool {
	base := strings.ToLower(path.Base(dir))
	return strings.Contains(base, "env") || strings.Contains(path.Dir(dir), "env")
}
