package chart

import (
	"cmp"
	"iter"
	"maps"
	"slices"
)

// Series is a curve.
type Series struct {
	Name   string       // its label
	Points [][2]float64 // x and y, by rising x
	Colour int          // its place in the palette
	Strong bool         // the subject of the chart
}

// Lines is a chart of curves.
type Lines struct {
	Title      string             // the heading
	X, Y       string             // the labels of the axes
	LogX, LogY bool               // the axis is logarithmic
	XLabels    map[float64]string // at these values of x, instead of round ones
	Series     []Series           // its curves
}

const (
	lineHeight = 18.0
	left       = 64.0
	top        = 44.0
)

// SVG draws the chart.
func (l Lines) SVG() string {
	c := &canvas{width: 760, height: 360}
	right, bottom := c.width-190, c.height-52
	var xs, ys []float64
	for _, s := range l.Series {
		for _, p := range s.Points {
			xs, ys = append(xs, p[0]), append(ys, p[1])
		}
	}
	x, y := spanning(xs, left, right, l.LogX), spanning(ys, bottom, top, l.LogY)
	c.title(l.Title)
	l.drawAxes(c, x, y)
	for n, s := range l.fromTheTop() {
		l.drawSeries(c, x, y, n, s)
	}
	return c.svg()
}

// fromTheTop returns the series by falling last value, so that the legend is in the order of
// the curves.
func (l Lines) fromTheTop() []Series {
	end := func(s Series) float64 {
		if len(s.Points) == 0 {
			return 0
		}
		return s.Points[len(s.Points)-1][1]
	}
	return slices.SortedStableFunc(slices.Values(l.Series), func(a, b Series) int { return cmp.Compare(end(b), end(a)) })
}

func (l Lines) drawAxes(c *canvas, x, y axis) {
	for _, v := range y.ticks() {
		c.line(x.from, y.place(v), x.to, y.place(v), grid)
		c.write(x.from-8, y.place(v)+4, atEnd, faint, number(v))
	}
	if l.XLabels == nil {
		for _, v := range x.ticks() {
			c.line(x.place(v), y.from, x.place(v), y.from+4, faint)
			c.write(x.place(v), y.from+lineHeight, atMiddle, faint, number(v))
		}
	}
	for v, label := range l.sortedLabels() {
		if v < x.low || v > x.high {
			continue
		}
		c.line(x.place(v), y.from, x.place(v), y.from+4, faint)
		c.write(x.place(v), y.from+lineHeight, atMiddle, faint, label)
	}
	c.line(x.from, y.from, x.to, y.from, faint)
	c.write((x.from+x.to)/2, y.from+2*lineHeight+4, atMiddle, faint, l.X)
	c.write(12, top-6, atStart, faint, l.Y)
}

func (l Lines) drawSeries(c *canvas, x, y axis, n int, s Series) {
	width := 1.6
	if s.Strong {
		width = 3.2
	}
	var places [][2]float64
	for _, p := range s.Points {
		places = append(places, [2]float64{x.place(p[0]), y.place(p[1])})
	}
	c.curve(places, colour(s.Colour), width)
	for _, p := range places {
		c.dot(p[0], p[1], colour(s.Colour))
	}
	at := top + float64(n)*lineHeight
	c.box(x.to+20, at-6, 18, 4, colour(s.Colour))
	c.write(x.to+44, at, atStart, ink, s.Name)
}

// sortedLabels returns the labels by rising x.
func (l Lines) sortedLabels() iter.Seq2[float64, string] {
	return func(yield func(float64, string) bool) {
		for _, v := range slices.Sorted(maps.Keys(l.XLabels)) {
			if !yield(v, l.XLabels[v]) {
				return
			}
		}
	}
}
