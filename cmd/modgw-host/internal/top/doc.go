// Package top shows the apps of a running host as a table that updates itself. [Read] asks the
// host, [Rows] computes figures from two answers, and [Model] holds the table and reacts to keys.
// The caller draws.
package top
