package chart

import "cmp"

// Bar is a bar of one or more parts.
type Bar struct {
	Name  string    // its label
	Parts []float64 // the length of each part
	Note  string    // behind the bar; "": the sum
	Tone  Tone      // its colour when it has one part
}

// Tone is the role of a bar in its chart. Its value is a colour.
type Tone string

const (
	Plain  Tone = "#9aa5b1" // one of many
	Strong Tone = "#0072b2" // the subject of the chart
	Bad    Tone = "#d55e00" // a bad result, however long the bar is
)

// Bars is a chart of horizontal bars, in groups.
type Bars struct {
	Title  string   // the heading
	Unit   string   // the unit of the lengths
	Parts  []string // names of the parts of each bar; empty: each bar has one part
	Apart  bool     // each group has its own scale, because the groups are about different things
	Groups []Group  // its bars, from the top
}

// Group is some bars under a heading.
type Group struct {
	Name string // the heading of the group
	Bars []Bar  // its bars, from the top
}

// SVG draws the chart.
func (b Bars) SVG() string {
	const barHeight = 16.0
	rows, notes := 0.0, 0
	var sums []float64
	for _, g := range b.Groups {
		rows += float64(len(g.Bars)) + 1.6
		sums = append(sums, g.sums()...)
		for _, bar := range g.Bars {
			notes = max(notes, len(bar.note()))
		}
	}
	c := &canvas{width: 760, height: top + 14 + rows*lineHeight + 30}
	right := c.width - 24 - 6.6*float64(notes)
	x := spanning(sums, names, right, false)
	c.title(b.Title)
	b.drawLegend(c)
	bottom := c.height - 34
	if b.Apart {
		c.line(names, top+10, names, bottom, grid)
		c.write(names, bottom+16, atStart, faint, b.Unit+"; each group has a scale of its own")
	} else {
		b.drawScale(c, x, bottom)
	}
	y := top + 10
	for _, g := range b.Groups {
		if b.Apart {
			x = spanning(g.sums(), names, right, false)
		}
		y += lineHeight
		c.write(12, y, atStart, faint, g.Name)
		for _, bar := range g.Bars {
			y += lineHeight
			c.write(names-8, y, atEnd, ink, bar.Name)
			at := x.from
			for part, v := range bar.Parts {
				fill := partColours[part%len(partColours)]
				if len(b.Parts) == 0 {
					fill = string(cmp.Or(bar.Tone, Plain))
				}
				c.box(at, y-12, x.place(v)-x.from, barHeight-2, fill)
				at += x.place(v) - x.from
			}
			words := ink
			if bar.Tone == Bad {
				words = string(Bad) // its bar may be too short to be seen
			}
			c.write(at+6, y, atStart, words, bar.note())
		}
		y += 0.6 * lineHeight
	}
	return c.svg()
}

// names is the position at which the bars begin, to the right of their names.
const names = 190.0

// partColours are the colours of the parts of a bar. All bars have the first part in common.
var partColours = []string{string(Plain), string(Strong), "#e69f00"}

func (b Bars) drawScale(c *canvas, x axis, bottom float64) {
	for _, v := range x.ticks() {
		c.line(x.place(v), top+10, x.place(v), bottom, grid)
		c.write(x.place(v), bottom+16, atMiddle, faint, number(v))
	}
	c.write(c.width-12, bottom+16, atEnd, faint, b.Unit)
}

func (g Group) sums() (all []float64) {
	for _, bar := range g.Bars {
		all = append(all, sum(bar.Parts))
	}
	return all
}

func (b Bar) note() string {
	if b.Note != "" {
		return b.Note
	}
	return number(sum(b.Parts))
}

func (b Bars) drawLegend(c *canvas) {
	at := 12.0
	for n, part := range b.Parts {
		c.box(at, top-10, 10, 10, partColours[n%len(partColours)])
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
