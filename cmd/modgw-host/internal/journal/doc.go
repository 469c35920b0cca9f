// Package journal writes log records to systemd's journal by its native protocol, so that each
// attribute is a field that journalctl finds, and what has several lines is one entry.
//
// A [Handler] makes a line of each record, for a queue of lines, and a [Socket] behind the queue
// sends the entries of such lines.
package journal
