package dashboard

import (
	"fmt"
	"html/template"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/history"
)

// functions are the functions of the templates.
var functions = template.FuncMap{
	"seconds": seconds, "bytes": bytesText, "clock": clock, "stamp": stamp, "number": number, "segment": url.PathEscape,
	"lines": func(text string) []string { return strings.Split(text, "\n") }, "plural": plural, "dict": dict,
	"first": func(all []modgw.RequestRecord, n int) []modgw.RequestRecord { return all[:min(n, len(all))] },
}

// dict returns the data of a template from alternating names and values.
func dict(pairs ...any) map[string]any {
	all := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		all[pairs[i].(string)] = pairs[i+1]
	}
	return all
}

// none is shown for an unknown value.
const none = "–"

// valueText formats a value of a series.
func valueText(value *float64, unit history.Unit) string {
	switch {
	case value == nil:
		return none
	case unit == history.Seconds:
		return seconds(*value)
	case unit == history.Bytes:
		return bytesText(int64(*value))
	case unit == history.Share:
		return strconv.FormatFloat(100**value, 'f', 0, 64) + " %"
	}
	return number(*value)
}

// number formats a number with three significant digits.
func number(v float64) string {
	switch magnitude := math.Abs(v); {
	case v == math.Trunc(v) && magnitude < 1e4:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case magnitude >= 1e6:
		return strconv.FormatFloat(v/1e6, 'f', 1, 64) + " M"
	case magnitude >= 1e4:
		return strconv.FormatFloat(v/1e3, 'f', 1, 64) + " k"
	case magnitude >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case magnitude >= 1:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

// seconds formats a duration in a suitable unit.
func seconds(s float64) string {
	switch {
	case s <= 0:
		return "0"
	case s < 0.000_95:
		return fmt.Sprintf("%.0f µs", s*1e6)
	case s < 0.009_95:
		return fmt.Sprintf("%.1f ms", s*1e3)
	case s < 0.999_5:
		return fmt.Sprintf("%.0f ms", s*1e3)
	case s < 9.95:
		return fmt.Sprintf("%.1f s", s)
	case s < 120:
		return fmt.Sprintf("%.0f s", s)
	case s < 2*3600:
		return fmt.Sprintf("%.0f min", s/60)
	case s < 48*3600:
		return fmt.Sprintf("%.0f h", s/3600)
	}
	return fmt.Sprintf("%.0f days", s/86400)
}

func bytesText(n int64) string {
	switch v := float64(n); {
	case n < 1<<10:
		return fmt.Sprintf("%d B", n)
	case n < 1<<20:
		return fmt.Sprintf("%.0f KiB", v/(1<<10))
	case n < 10<<30:
		return fmt.Sprintf("%.0f MiB", v/(1<<20))
	default:
		return fmt.Sprintf("%.1f GiB", v/(1<<30))
	}
}

// clock formats a time of the day, with the date if that is not today.
func clock(t time.Time) string {
	if t.IsZero() {
		return none
	}
	local, now := t.Local(), time.Now()
	if local.YearDay() == now.YearDay() && local.Year() == now.Year() {
		return local.Format("15:04:05")
	}
	return local.Format("2 Jan 15:04:05")
}

// stamp formats a time for programs.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}
