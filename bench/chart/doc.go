// Package chart draws curves and bars as small SVG files. It draws only the charts of the benchmark
// and is not a general plotting library.
package chart
