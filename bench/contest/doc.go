// Package contest installs the servers that the benchmark compares, starts each of them with given
// settings, directly or behind its own Apache, and measures the CPU time and memory of its
// processes.
package contest
