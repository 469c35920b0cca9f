// Package proc starts a supervised process, reads its output line by line, and ends it with all its
// children.
//
// It does not know about apps, and does not decide when to start or restart a process.
package proc
