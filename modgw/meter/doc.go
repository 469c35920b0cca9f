// Package meter counts the requests of an app and their outcomes. Counting takes a few atomic
// additions, no lock and no memory, so that it can be done for every request on the data path. The
// numbers are read when they are shown.
//
// The package does not depend on how the numbers are shown.
package meter
