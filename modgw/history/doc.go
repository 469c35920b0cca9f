// Package history keeps the figures of apps of the last hour, in memory that is bounded, for plots.
// It is told when a request has ended, and samples then and while someone reads: a host that has
// nothing to do is not woken for it.
//
// It does not know where the figures come from, nor how they are shown.
package history
