package chart

import (
	"fmt"
	"html"
	"strings"
)

// canvas collects the elements of an SVG image.
type canvas struct {
	width, height float64
	text          strings.Builder
}

// colours is a palette that colour-blind readers can distinguish (Okabe and Ito). The first colour
// is for the most important series.
var colours = []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f", "#7b3fb5", "#000000", "#8c564b", "#4b0082"}

func colour(n int) string { return colours[n%len(colours)] }

const (
	grid  = "#e2e2e2"
	faint = "#555555"
	ink   = "#1a1a1a"
)

func (c *canvas) line(x1, y1, x2, y2 float64, stroke string) {
	fmt.Fprintf(&c.text, "<path d=\"M%.1f %.1fL%.1f %.1f\" stroke=\"%s\"/>\n", x1, y1, x2, y2, stroke)
}

func (c *canvas) box(x, y, width, height float64, fill string) {
	fmt.Fprintf(&c.text, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"/>\n", x, y, max(width, 0), height, fill)
}

func (c *canvas) dot(x, y float64, fill string) {
	fmt.Fprintf(&c.text, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"/>\n", x, y, fill)
}

func (c *canvas) curve(points [][2]float64, stroke string, width float64) {
	var d strings.Builder
	for n, p := range points {
		letter := "L"
		if n == 0 {
			letter = "M"
		}
		fmt.Fprintf(&d, "%s%.1f %.1f", letter, p[0], p[1])
	}
	fmt.Fprintf(&c.text, "<path d=\"%s\" stroke=\"%s\" stroke-width=\"%.1f\" fill=\"none\"/>\n", &d, stroke, width)
}

// anchor is the part of a text that is at its place.
type anchor string

const (
	atStart  anchor = "start"
	atMiddle anchor = "middle"
	atEnd    anchor = "end"
)

func (c *canvas) write(x, y float64, a anchor, fill, text string) {
	fmt.Fprintf(&c.text, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" fill=\"%s\">%s</text>\n", x, y, a, fill, html.EscapeString(text))
}

func (c *canvas) title(text string) {
	fmt.Fprintf(&c.text, "<text x=\"%.1f\" y=\"22\" text-anchor=\"start\" fill=\"%s\" font-size=\"15\" font-weight=\"600\">%s</text>\n",
		12.0, ink, html.EscapeString(text))
}

func (c *canvas) svg() string {
	return fmt.Sprintf("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %[1]g %[2]g\" width=\"%[1]g\" height=\"%[2]g\" "+
		"font-family=\"system-ui, -apple-system, 'DejaVu Sans', sans-serif\" font-size=\"12\">\n<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n%[3]s</svg>\n",
		c.width, c.height, &c.text)
}
