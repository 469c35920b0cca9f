package chart

import "cmp"

// Bar is one bar, of one or more parts.
type Bar struct {
	Name  string
	Parts []float64
	Note  string // behind the bar; "": the sum
	Tone  Tone   // of a bar of one part
}

// Tone says how a bar is to be seen.
type Tone string

const (
	Plain  Tone = "#9aa5b1"
	Strong Tone = "#0072b2" // it is what the chart is about
	Bad    Tone = "#d55e00" // whatever its length, it is bad
)

// Bars is a chart of horizontal bars, in groups.
type Bars struct {
	Title  string
	Unit   string
	Parts  []string // what the parts of each bar are; empty: they have one
	Groups []Group
}

// Group is some bars under a heading.
type Group struct {
	Name string
	Bars []Bar
}

// SVG draws the chart.
func (b Bars) SVG() string {
	const names, barHeight = 190.0, 16.0
	rows, sums := 0.0, []float64{0}
	for _, g := range b.Groups {
		rows += float64(len(g.Bars)) + 1.6
		for _, bar := range g.Bars {
			sums = append(sums, sum(bar.Parts))
		}
	}
	c := &canvas{width: 760, height: top + 14 + rows*lineHeight + 30}
	x := spanning(sums, names, c.width-70, false)
	c.title(b.Title)
	b.drawLegend(c)
	bottom := c.height - 34
	for _, v := range x.ticks() {
		c.line(x.place(v), top+10, x.place(v), bottom, grid)
		c.write(x.place(v), bottom+16, atMiddle, faint, number(v))
	}
	c.write(c.width-12, bottom+16, atEnd, faint, b.Unit)
	y := top + 10
	for _, g := range b.Groups {
		y += lineHeight
		c.write(12, y, atStart, faint, g.Name)
		for _, bar := range g.Bars {
			y += lineHeight
			c.write(names-8, y, atEnd, ink, bar.Name)
			at := x.from
			for part, v := range bar.Parts {
				fill := colour(part)
				if len(b.Parts) == 0 {
					fill = string(cmp.Or(bar.Tone, Plain))
				}
				c.box(at, y-12, x.place(v)-x.from, barHeight-2, fill)
				at += x.place(v) - x.from
			}
			note := bar.Note
			if note == "" {
				note = number(sum(bar.Parts))
			}
			c.write(at+6, y, atStart, ink, note)
		}
		y += 0.6 * lineHeight
	}
	return c.svg()
}

func (b Bars) drawLegend(c *canvas) {
	at := 12.0
	for n, part := range b.Parts {
		c.box(at, top-10, 10, 10, colour(n))
		c.write(at+16, top-1, atStart, ink, part)
		at += 40 + 7*float64(len(part))
	}
}

func sum(all []float64) (total float64) {
	for _, v := range all {
		total += v
	}
	return total
}
