// Package contest installs the servers that the benchmark compares, starts each of them with stated
// settings, directly or behind an Apache of its own, and tells how much CPU time and memory its
// processes use.
package contest
