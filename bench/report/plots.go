package report

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/modgw/modgw/bench/chart"
	"github.com/modgw/modgw/bench/contest"
)

// WritePlots writes the measurements as SVG files.
func (r *Report) WritePlots(dir string) error {
	for name, svg := range map[string]string{
		"throughput": r.throughput(), "cpu": r.cpu(), "concurrency": r.concurrency(), "latency": r.latency(), "size": r.size(),
		"idle-connections": r.idleConnections(), "reload": r.reload(), "apps": r.growth("apps"), "files": r.growth("files"),
	} {
		if svg == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name+".svg"), []byte(svg), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// busy reports whether the row's contestant had one worker and got requests as fast as it answered.
func busy(row Row) bool {
	return row.Workers == 1 && row.Idle == 0 && row.Slow == 0 && row.Rate == 0 && row.Failed == ""
}

// best returns each contestant's fastest row, modgw's first and then by speed.
func (r *Report) best(of func(Row) bool) []Row {
	fastest := map[string]Row{}
	for _, row := range r.Rows {
		if of(row) {
			fastest[row.Contestant] = better(fastest[row.Contestant], row)
		}
	}
	return slices.SortedFunc(maps.Values(fastest), func(a, b Row) int {
		if (a.Contestant == contest.Ours) != (b.Contestant == contest.Ours) {
			if a.Contestant == contest.Ours {
				return -1
			}
			return 1
		}
		return cmp.Compare(b.PerSecond, a.PerSecond)
	})
}

// comparison is a group of bars in which all contestants give the same answer.
type comparison struct {
	name, work string
	site       contest.Site
	front      contest.Front
}

var comparisons = []comparison{
	{"hello WSGI, directly", "hello", contest.RawWSGI, contest.Direct},
	{"hello WSGI, behind Apache", "hello", contest.RawWSGI, contest.Apache},
	{"Django page, behind Apache", "page", contest.Django, contest.Apache},
	{"hello ASGI, directly", "hello", contest.RawASGI, contest.Direct},
}

func (c comparison) has(row Row) bool {
	return busy(row) && row.Work == c.work && row.Site == c.site.Name && row.Front == c.front
}

func (r *Report) throughput() string {
	bars := chart.Bars{Title: "Answers a second, one worker, each at its best", Unit: "answers a second", Apart: true}
	return r.bars(bars, func(row Row) []float64 { return []float64{row.PerSecond} })
}

func (r *Report) cpu() string {
	bars := chart.Bars{Title: "CPU time for an answer, one worker, each at its best", Unit: "µs", Apart: true, Parts: []string{"Apache", "modgw-host", "app server"}}
	return r.bars(bars, func(row Row) (parts []float64) {
		for _, role := range contest.Roles {
			parts = append(parts, row.CPU[role])
		}
		return parts
	})
}

func (r *Report) bars(bars chart.Bars, parts func(Row) []float64) string {
	for _, c := range comparisons {
		group := chart.Group{Name: c.name}
		for _, row := range r.best(c.has) {
			group.Bars = append(group.Bars, chart.Bar{Name: row.Contestant, Parts: parts(row), Tone: tone(row.Contestant)})
		}
		if len(group.Bars) > 0 {
			bars.Groups = append(bars.Groups, group)
		}
	}
	if len(bars.Groups) == 0 {
		return ""
	}
	return bars.SVG()
}

func tone(contestant string) chart.Tone {
	if strings.HasPrefix(contestant, contest.Ours) {
		return chart.Strong
	}
	return chart.Plain
}

// series returns a curve for each contestant, modgw's first.
func (r *Report) series(of func(Row) bool, point func(Row) [2]float64) (all []chart.Series) {
	curves := map[string]map[float64]float64{}
	for _, row := range r.Rows {
		if !of(row) || row.Failed != "" {
			continue
		}
		if curves[row.Contestant] == nil {
			curves[row.Contestant] = map[float64]float64{}
		}
		p := point(row)
		curves[row.Contestant][p[0]] = max(curves[row.Contestant][p[0]], p[1])
	}
	for _, name := range slices.SortedFunc(maps.Keys(curves), oursFirst) {
		s := chart.Series{Name: name, Colour: colour(name), Strong: name == contest.Ours}
		for _, x := range slices.Sorted(maps.Keys(curves[name])) {
			s.Points = append(s.Points, [2]float64{x, curves[name][x]})
		}
		if len(s.Points) > 1 {
			all = append(all, s)
		}
	}
	return all
}

// colour returns the colour of a contestant, which is the same in all plots.
func colour(name string) int {
	return max(0, slices.IndexFunc(contest.All(), func(c contest.Contestant) bool { return c.Name == name }))
}

func oursFirst(a, b string) int {
	switch {
	case a == b:
		return 0
	case a == contest.Ours:
		return -1
	case b == contest.Ours:
		return 1
	}
	return cmp.Compare(a, b)
}

// drawn returns the chart, or "" if there are no series. By default, the ticks are at the measured
// values.
func drawn(l chart.Lines) string {
	if len(l.Series) == 0 {
		return ""
	}
	if l.XLabels == nil {
		l.XLabels = map[float64]string{}
		for _, s := range l.Series {
			for _, p := range s.Points {
				l.XLabels[p[0]] = grouped(p[0])
			}
		}
	}
	return l.SVG()
}

// grouped formats a whole number with a gap before its thousands.
func grouped(x float64) string {
	if x < 1000 {
		return fmt.Sprint(x)
	}
	return fmt.Sprintf("%d %03d", int(x)/1000, int(x)%1000)
}

func (r *Report) concurrency() string {
	of := func(row Row) bool {
		return busy(row) && row.Work == "hello" && row.Site == contest.RawWSGI.Name && row.Front == contest.Direct
	}
	return drawn(chart.Lines{
		Title: "Hello WSGI, directly, one worker", X: "connections, each busy", Y: "answers a second", LogX: true,
		Series: r.series(of, func(row Row) [2]float64 { return [2]float64{float64(row.Connections), row.PerSecond} }),
	})
}

func (r *Report) size() string {
	of := func(row Row) bool {
		return busy(row) && row.Body > 0 && row.Work != "10 MiB upload" && row.Site == contest.RawWSGI.Name && row.Front == contest.Direct
	}
	labels := map[float64]string{13: "13 B", 10 << 10: "10 KiB", 64 << 10: "64 KiB", 1 << 20: "1 MiB", 10 << 20: "10 MiB", 100 << 20: "100 MiB"}
	return drawn(chart.Lines{
		Title: "Responses of all sizes, WSGI, directly, one worker", X: "size of a response", Y: "MB a second", LogX: true, LogY: true, XLabels: labels,
		Series: r.series(of, func(row Row) [2]float64 {
			return [2]float64{float64(row.Body), row.PerSecond * float64(row.Body) / 1e6}
		}),
	})
}

func (r *Report) idleConnections() string {
	of := func(row Row) bool {
		return row.Idle > 0 && row.Workers == 1 && row.Front == contest.Direct && row.Site == contest.RawWSGI.Name
	}
	return drawn(chart.Lines{
		Title: "Memory with idle connections", X: "idle connections, beside 16 busy ones", Y: "MiB, of all processes", LogX: true,
		Series: r.series(of, func(row Row) [2]float64 { return [2]float64{float64(row.Idle), float64(row.TotalMemory()) / (1 << 20)} }),
	})
}

// latency draws the quantiles of the first situation behind Apache with a fixed rate.
func (r *Report) latency() string {
	l := chart.Lines{X: "share of the requests that were answered by then", Y: "ms since the request should have been sent", LogY: true, XLabels: map[float64]string{
		math.Log10(2): "50 %", 1: "90 %", 2: "99 %", 3: "99.9 %", 4: "99.99 %",
	}}
	var at Situation
	for _, row := range r.Rows {
		if row.Rate == 0 || row.Front != contest.Apache || at != (Situation{}) && row.Situation != at {
			continue
		}
		at = row.Situation
		l.Title = fmt.Sprintf("Latency at %.0f requests a second behind Apache, %s", row.Rate, row.Site)
		l.Series = append(l.Series, chart.Series{
			Name: row.Contestant, Points: row.Distribution, Colour: colour(row.Contestant), Strong: row.Contestant == contest.Ours,
		})
	}
	return drawn(l)
}

func (r *Report) reload() string {
	bars := chart.Bars{Title: "How much longer the slowest answer took, 4 workers, 200 requests a second", Unit: "ms"}
	for _, row := range r.Reloads {
		if row.Workers != 4 || row.Rate != 200 || row.Failed != "" {
			continue
		}
		if n := len(bars.Groups); n == 0 || bars.Groups[n-1].Name != string(row.Event) {
			bars.Groups = append(bars.Groups, chart.Group{Name: string(row.Event)})
		}
		bar := chart.Bar{Name: row.Contestant, Parts: []float64{row.Added()}, Note: fmt.Sprintf("%.0f ms", row.Added()), Tone: tone(row.Contestant)}
		if failed := row.Lost + row.Wrong; failed > 0 {
			bar.Tone = chart.Bad
			bar.Note += fmt.Sprintf(", %d of %d failed", failed, row.Answered+failed)
		}
		group := &bars.Groups[len(bars.Groups)-1]
		group.Bars = append(group.Bars, bar)
	}
	if len(bars.Groups) == 0 {
		return ""
	}
	return bars.SVG()
}

func (r *Report) growth(of string) string {
	var start, busy, memory, request, saved [][2]float64
	for _, g := range r.Growth {
		if g.Of != of || g.Failed != "" {
			continue
		}
		n := float64(g.N)
		start = append(start, [2]float64{n, g.Start})
		memory = append(memory, [2]float64{n, float64(g.Memory) / (1 << 20)})
		if g.Busy > 0 && of == "files" {
			busy = append(busy, [2]float64{n, g.Busy})
		}
		if g.Request > 0 {
			request = append(request, [2]float64{n, g.Request})
		}
		if g.Saved > 0 {
			saved = append(saved, [2]float64{n, g.Saved})
		}
	}
	l := chart.Lines{Title: "modgw with many " + of, X: of, Y: "in the units of the legend, on one logarithmic scale", LogX: true, LogY: true}
	for _, s := range []chart.Series{
		{Name: "ready after, ms", Points: start, Strong: true}, {Name: "then busy for, ms", Points: busy, Colour: 4},
		{Name: "host's memory, MiB", Points: memory, Colour: 1},
		{Name: "host's CPU/request, µs", Points: request, Colour: 2}, {Name: "saved → new page, ms", Points: saved, Colour: 3},
	} {
		if len(s.Points) > 1 {
			l.Series = append(l.Series, s)
		}
	}
	return drawn(l)
}
