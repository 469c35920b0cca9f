// Package history keeps the figures of apps of the last hour, in bounded memory, for plots. It is
// informed when a request has ended. It samples the figures after requests and while someone reads
// them: an idle host is not woken for it.
//
// It does not know where the figures come from, nor how they are displayed.
package history
