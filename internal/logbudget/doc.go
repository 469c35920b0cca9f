// Package logbudget limits the number of log records, and their bytes, in a period. Each kind of
// record has its own budget, so that a flood of one kind does not hide the others. Records above
// the limit are dropped and counted, and the count is logged.
package logbudget
