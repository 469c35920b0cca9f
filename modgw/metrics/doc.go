// Package metrics exports the host's counts and state as Prometheus metrics. It computes nothing
// before the metrics are requested: the data path counts with package meter, and all other values
// are read when the metrics are collected.
//
// The number of series is bounded by the number of apps: labels have values from fixed sets,
// numbers of workers, and names of apps that the host has. The series of a removed app disappear.
package metrics
