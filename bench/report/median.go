package report

import (
	"math"
	"slices"
)

// Median returns the median, or 0 if there are no values.
func Median(all []float64) float64 {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(all))
	half := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[half]
	}
	return (sorted[half-1] + sorted[half]) / 2
}

// quartiles returns the first and the third quartile, or 0 if there are no values.
func quartiles(all []float64) (low, high float64) {
	if len(all) == 0 {
		return 0, 0
	}
	sorted := slices.Sorted(slices.Values(all))
	at := func(share float64) float64 {
		place := share * float64(len(sorted)-1)
		below := math.Floor(place)
		return sorted[int(below)] + (place-below)*(sorted[int(math.Ceil(place))]-sorted[int(below)])
	}
	return at(0.25), at(0.75)
}

// Spread returns half of the interquartile range of the rounds, in percent of their median.
func (r Row) Spread() float64 {
	low, high := quartiles(r.Rounds)
	if middle := Median(r.Rounds); middle > 0 {
		return 100 * (high - low) / 2 / middle
	}
	return 0
}
