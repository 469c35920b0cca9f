package httpd

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/modgw/modgw/internal/lazyregexp"
	"github.com/modgw/modgw/loader"
	"github.com/modgw/modgw/loader/migrate"
	"github.com/modgw/modgw/loader/migrate/pyapp"
)

// given is an option that a source gives an app.
type given struct {
	app    *migrate.App
	values []string // its value, or each of them when it was given more than once
	note   func(became migrate.Became, reason string, args ...any)
}

// value returns the last value, or "".
func (g given) value() string {
	if len(g.values) == 0 {
		return ""
	}
	return g.values[len(g.values)-1]
}

// set gives a setting a value, and notes that the option has become it.
func (g given) set(setting string, value any) {
	g.app.Set(setting, value)
	g.note(migrate.Translated, "%s (%s)", settingName(setting), g.value())
}

// rule translates an option.
type rule func(given)

// table maps options to their rules.
type table = pyapp.TableOf[rule]

func notNeeded(reason string) rule {
	return func(g given) { g.note(migrate.NotNeeded, "%s", reason) }
}

func byHand(reason string) rule {
	return func(g given) { g.note(migrate.ByHand, "%s", reason) }
}

// settingName is a setting as people find it in a descriptor: "wsgi { threads }".
func settingName(setting string) string {
	block, name, ok := strings.Cut(setting, ".")
	if !ok {
		return setting
	}
	return fmt.Sprintf("%s { %s }", block, name)
}

// number is the rule for a setting that is a whole number.
func number(setting string, lo, hi int) rule {
	return func(g given) {
		if migrate.HasVariables(g.value()) {
			g.app.SetNumber(setting, g.value())
			g.note(migrate.Translated, "%s (%s)", settingName(setting), g.value())
			return
		}
		n, err := strconv.Atoi(g.value())
		if err != nil || n < lo || n > hi {
			g.note(migrate.ByHand, "%q is no number from %d to %d: set %s yourself", g.value(), lo, hi, settingName(setting))
			return
		}
		g.set(setting, n)
	}
}

// span is the rule for a setting that is a duration: seconds, or a number with a unit.
func span(setting string) rule {
	return func(g given) {
		if migrate.HasVariables(g.value()) {
			g.app.SetNumber(setting, g.value()+"s")
			g.note(migrate.Translated, "%s (%s)", settingName(setting), g.value())
			return
		}
		d, ok := seconds(g.value())
		switch {
		case !ok:
			g.note(migrate.ByHand, "%q is no number of seconds: set %s yourself", g.value(), settingName(setting))
		case d == 0 && (setting == "timeouts.startup" || setting == "timeouts.drain" || setting == "timeouts.stop"):
			g.note(migrate.NotNeeded, "0 means that there is none, and the host keeps its default of %s", settingName(setting))
		default:
			g.set(setting, d)
		}
	}
}

var secondsPattern = lazyregexp.New(`^(\d{1,9})(s|min|mi|m|h|ms|d|w)?$`)

// seconds reads a time as Apache does: seconds, or with the unit ms, s, min, h or d.
func seconds(text string) (time.Duration, bool) {
	m := secondsPattern.FindStringSubmatch(strings.ToLower(text))
	if m == nil {
		return 0, false
	}
	n, err := strconv.Atoi(m[1])
	unit := map[string]time.Duration{
		"": time.Second, "s": time.Second, "ms": time.Millisecond, "min": time.Minute, "mi": time.Minute, "m": time.Minute,
		"h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour,
	}[m[2]]
	return time.Duration(n) * unit, err == nil
}

// bytes is the rule for a setting that is a size.
func bytes(setting string) rule {
	return func(g given) {
		n, err := strconv.ParseInt(g.value(), 10, 64)
		if err != nil || n < 0 {
			g.note(migrate.ByHand, "%q is no number of bytes: set %s yourself", g.value(), settingName(setting))
			return
		}
		g.set(setting, loader.Bytes(n))
	}
}

// account is the rule for a user or a group.
func account(setting string) rule {
	return func(g given) {
		if strings.HasPrefix(g.value(), "#") || g.value() == "" {
			g.note(migrate.ByHand, "a descriptor names a %s, and no number: set %s to the name of %s", setting, setting, cmp.Or(g.value(), "one"))
			return
		}
		g.set(setting, g.value())
	}
}

// variable is the rule for an environment variable.
func variable(name string) rule {
	return func(g given) {
		g.app.Env(name, strings.Join(g.values, ","))
		g.note(migrate.Translated, "env %s", name)
	}
}

func groups(g given) {
	g.set("groups", strings.FieldsFunc(g.value(), func(r rune) bool { return r == ',' || r == ' ' }))
}

var octal = lazyregexp.New(`^0*([0-7]{1,3})$`)

func umask(g given) {
	switch m := octal.FindStringSubmatch(g.value()); {
	case m != nil:
		g.set("umask", fmt.Sprintf("%04s", m[1]))
	case migrate.HasVariables(g.value()):
		g.set("umask", g.value())
	default:
		g.note(migrate.ByHand, "%q is no file mode mask: set umask yourself", g.value())
	}
}
