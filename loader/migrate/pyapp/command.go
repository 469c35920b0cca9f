package pyapp

import (
	"path"
	"slices"
	"strings"

	"github.com/modgw/modgw/loader/migrate"
)

// FromCommand returns an app with the facts of every command line: its folder, user, group and
// virtual environment.
func FromCommand(c migrate.Command) *App {
	a := &App{Name: c.Name, Place: c.Place, Dir: c.Dir}
	if path.IsAbs(c.Place.File) {
		a.Beside = path.Dir(c.Place.File)
	}
	if c.User != "" {
		Account("user")(a, Option{Value: c.User})
	}
	if c.Group != "" {
		Account("group")(a, Option{Value: c.Group})
	}
	if venv, ok := VenvOfProgram(c.Args[0]); ok {
		a.Venv = venv
	} else if !path.IsAbs(c.Args[0]) && strings.Contains(c.Args[0], "/") && c.Dir != "" {
		if venv, ok := VenvOfProgram(path.Join(c.Dir, c.Args[0])); ok {
			a.Venv = venv
		}
	}
	a.System = strings.HasPrefix(c.Args[0], "/usr/")
	for _, name := range []string{"VIRTUAL_ENV", "PATH", "PYTHONPATH"} {
		if value := c.Env[name]; value != "" && (name == "PYTHONPATH" || a.Venv == "") {
			a.SetEnv(name, value)
		}
	}
	a.env = slices.DeleteFunc(a.env, func(s setting) bool { return s.name == "PATH" })
	return a
}

// WriteEnv gives an app of the plan only the environment variables.
func (a *App) WriteEnv(app *migrate.App) {
	for _, s := range a.env {
		app.Env(s.name, s.value)
	}
}

// Flag is an option of a command line.
type Flag struct {
	Name  string // long name without dashes, or the letter when there is none
	Value string // its value; empty: none
	Given bool   // whether it has a value
	Shown string // as it was written: "--bind" or "-b"
}

// Flags splits the arguments of a program. short has the long names of letters, and valueless
// reports whether a long name has no value. Arguments that are no options are in rest.
func Flags(args []string, short map[byte]string, valueless func(string) bool) (flags []Flag, rest []string) {
	for i := 0; i < len(args); i++ {
		arg := args[i]
		f := Flag{}
		switch {
		case arg == "--":
			return flags, append(rest, args[i+1:]...)
		case strings.HasPrefix(arg, "--"):
			f.Name, f.Value, f.Given = strings.Cut(arg[2:], "=")
			f.Shown = "--" + f.Name
		case strings.HasPrefix(arg, "-") && len(arg) > 1:
			f.Name, f.Shown = arg[1:2], arg[:2]
			if long := short[arg[1]]; long != "" {
				f.Name = long
			}
			if valueless(f.Name) && len(arg) > 2 {
				args[i] = "-" + arg[2:] // several letters
				i--
			} else if f.Value = strings.TrimPrefix(arg[2:], "="); f.Value != "" {
				f.Given = true
			}
		default:
			rest = append(rest, arg)
			continue
		}
		f.Name = strings.ReplaceAll(f.Name, "_", "-")
		if !f.Given && !valueless(f.Name) && i+1 < len(args) {
			i++
			f.Value, f.Given = args[i], true
		}
		flags = append(flags, f)
	}
	return flags, rest
}

// ApplyTo follows a rule for an app of the plan, whose own setting counts where it has one.
func (rule Rule) ApplyTo(app *migrate.App, o Option) Outcome {
	var scratch App
	out := rule(&scratch, o)
	for _, s := range scratch.settings {
		if app.Value(s.name) != nil {
			return NotNeeded("the server's own option for it counts")
		}
		app.Set(s.name, s.value)
	}
	return out
}
