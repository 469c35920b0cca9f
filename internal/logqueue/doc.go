// Package logqueue writes logs without ever blocking or failing their authors: a bounded queue
// stands before the file, what finds no room in it or cannot be written is dropped and counted, and
// the count is written when writing works again.
package logqueue
