// Package chart draws curves and bars as small SVG files. It draws what the benchmark needs and is
// no plotting library.
package chart
