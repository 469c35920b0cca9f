package dashboard

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/modgw/modgw/modgw/history"
)

// Size of a drawing, in its own units: it is scaled to its place.
const (
	drawingWidth  = 300
	drawingHeight = 60
)

// drawing is a plot drawn by the server, for browsers without JavaScript and for small plots.
type drawing struct {
	Width, Height int
	Lines         []string // a line for each series, as d of an SVG path; "": none
	Empty         bool
}

// drawSeries draws series of an app over one another, on the same scale, with their known values of
// the last period. The first series is always drawn, further ones only if they are not always zero.
func drawSeries(past *history.App, names []string, period time.Duration) drawing {
	d := drawing{Width: drawingWidth, Height: drawingHeight, Lines: make([]string, len(names)), Empty: true}
	if past == nil || len(past.Times) < 2 {
		return d
	}
	columns, highest := make([][]*float64, len(names)), 0.0
	for i, s := range history.AllSeries() {
		for j, name := range names {
			if s.Name == name {
				columns[j] = past.Values[i]
			}
		}
	}
	for _, column := range columns {
		for _, v := range column {
			if v != nil {
				highest = max(highest, *v)
				d.Empty = false
			}
		}
	}
	end := past.Times[len(past.Times)-1]
	begin := max(end-period.Milliseconds(), min(past.Times[0], end-time.Minute.Milliseconds()))
	for i, column := range columns {
		if i == 0 || !isZero(column) {
			d.Lines[i] = drawLine(past.Times, column, highest, func(at int64) float64 {
				return float64(at-begin) / float64(end-begin) * drawingWidth
			})
		}
	}
	return d
}

func isZero(values []*float64) bool {
	return !slices.ContainsFunc(values, func(v *float64) bool { return v != nil && *v != 0 })
}

// drawLine returns a path through values, with gaps for unknown values.
func drawLine(times []int64, values []*float64, highest float64, place func(at int64) float64) string {
	var b strings.Builder
	pen := "M"
	for i, v := range values {
		x := place(times[i])
		if v == nil || x < 0 {
			pen = "M"
			continue
		}
		y := drawingHeight - 1.0
		if highest > 0 {
			y -= *v / highest * (drawingHeight - 3)
		}
		b.WriteString(pen)
		b.WriteString(coordinate(x))
		b.WriteByte(' ')
		b.WriteString(coordinate(y))
		pen = "L"
	}
	return b.String()
}

func coordinate(v float64) string { return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64) }
