// Package metrics shows what the host counts and knows as metrics of Prometheus. Nothing is
// computed before the metrics are asked for: the data path counts with package meter, and
// everything else is read when the metrics are collected.
//
// The number of series is bounded by the apps: labels have values from fixed sets, numbers of
// workers, and names of apps that the host has. Those of an app that has gone are gone, too.
package metrics
