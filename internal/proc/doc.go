// Package proc starts a supervised process, reads what it prints line by line, and ends it with all
// its children.
//
// It knows nothing of apps, and it decides neither when a process is started nor whether it is
// started again.
package proc
