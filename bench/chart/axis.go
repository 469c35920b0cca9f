package chart

import (
	"fmt"
	"math"
)

// axis maps values to places on the canvas.
type axis struct {
	low, high float64 // values at the ends
	from, to  float64 // places of the ends
	log       bool
}

// spanning returns an axis for some values. A linear axis begins at zero.
func spanning(values []float64, from, to float64, log bool) axis {
	low, high := math.Inf(1), math.Inf(-1)
	for _, v := range values {
		if v > 0 || !log {
			low, high = min(low, v), max(high, v)
		}
	}
	if high < low {
		low, high = 1, 10
	}
	a := axis{low: low, high: high, from: from, to: to, log: log}
	if !log {
		a.low = 0
		if high <= 0 {
			a.high = 1
		}
		a.high += (a.high - a.low) * 0.05
		return a
	}
	if a.low == a.high {
		a.low, a.high = a.low/2, a.high*2
	}
	return a
}

func (a axis) place(v float64) float64 {
	low, high := a.low, a.high
	if a.log {
		v, low, high = math.Log(max(v, a.low)), math.Log(low), math.Log(high)
	}
	return a.from + (v-low)/(high-low)*(a.to-a.from)
}

// ticks returns round values within the axis.
func (a axis) ticks() (all []float64) {
	if a.log {
		return a.logTicks()
	}
	step := math.Pow(10, math.Floor(math.Log10(a.high/5)))
	for _, times := range []float64{1, 2, 5, 10} {
		if a.high/(step*times) <= 6 {
			step *= times
			break
		}
	}
	for v := 0.0; v <= a.high; v += step {
		all = append(all, v)
	}
	return all
}

func (a axis) logTicks() (all []float64) {
	digits := []float64{1, 2, 5}
	if a.high/a.low > 500 {
		digits = []float64{1}
	}
	for power := math.Pow(10, math.Floor(math.Log10(a.low))); power <= a.high; power *= 10 {
		for _, digit := range digits {
			if v := digit * power; v >= a.low*0.999 && v <= a.high*1.001 {
				all = append(all, v)
			}
		}
	}
	return all
}

// number formats a value briefly.
func number(v float64) string {
	switch {
	case v >= 1e6:
		return fmt.Sprintf("%gM", round(v/1e6))
	case v >= 1e4:
		return fmt.Sprintf("%gk", round(v/1e3))
	}
	return fmt.Sprintf("%g", round(v))
}

// round rounds to three significant digits.
func round(v float64) float64 {
	if v == 0 {
		return 0
	}
	scale := math.Pow(10, 2-math.Floor(math.Log10(math.Abs(v))))
	return math.Round(v*scale) / scale
}
