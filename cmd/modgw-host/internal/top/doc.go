// Package top shows the apps of a running host as a table that follows what they do. [Read] asks
// the host, [Rows] makes figures of two answers, and [Model] is what the terminal shows and keys
// change. Drawing is left to its user.
package top
