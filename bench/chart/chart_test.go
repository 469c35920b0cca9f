package chart

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
)

func wellFormed(t *testing.T, svg string) {
	t.Helper()
	for d := xml.NewDecoder(strings.NewReader(svg)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("%v\n%s", err, svg)
		}
	}
	for _, bad := range []string{"NaN", "Inf"} {
		if strings.Contains(svg, bad) {
			t.Errorf("%s in\n%s", bad, svg)
		}
	}
}

func TestChartsAreWellFormedWhateverTheyShow(t *testing.T) {
	for _, points := range [][][2]float64{nil, {{1, 0}}, {{1, 5}}, {{1, 0}, {2, 0}}, {{1, 1}, {1000, 1e9}}} {
		for _, log := range []bool{false, true} {
			wellFormed(t, Lines{Title: "a < b & c", X: "x", Y: "y", LogX: log, LogY: log, Series: []Series{{Name: "<name>", Points: points}, {Name: "other", Points: points, Colour: 1}}}.SVG())
		}
	}
	wellFormed(t, Bars{Title: "none"}.SVG())
	wellFormed(t, Bars{Title: "apart", Apart: true, Groups: []Group{{"empty", nil}, {"g", []Bar{{Name: "x", Parts: []float64{2}}}}}}.SVG())
	wellFormed(t, Bars{Title: "some", Parts: []string{"a", "b"}, Groups: []Group{{"g", []Bar{{"x", []float64{0, 0}, "", Plain}, {"y", []float64{3, 4e6}, "n", ""}}}}}.SVG())
}

func TestTicksAreRoundAndWithinTheAxis(t *testing.T) {
	for _, high := range []float64{0.3, 1, 7, 99, 12345, 1e7} {
		ticks := spanning([]float64{high}, 0, 100, false).ticks()
		if len(ticks) < 3 || len(ticks) > 8 {
			t.Errorf("%v has the ticks %v", high, ticks)
		}
	}
	a := spanning([]float64{13, 1 << 20}, 0, 100, true)
	for _, v := range a.ticks() {
		if p := a.place(v); p < 0 || p > 100 || math.IsNaN(p) {
			t.Errorf("%v is at %v", v, p)
		}
	}
}
