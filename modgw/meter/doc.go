// Package meter counts what happens to the requests of an app. Counting takes a few atomic
// additions, no lock and no memory, so that it can be done for every request on the data path. The
// numbers are read by those who show them, when they do.
//
// The package knows nothing of how the numbers are shown.
package meter
