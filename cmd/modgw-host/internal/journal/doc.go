// Package journal writes log records to systemd's journal by its native protocol: each attribute
// becomes a field that journalctl can match, and a record of several lines is one entry.
//
// A [Handler] converts each record to a line, for a queue of lines. A [Socket] behind the queue
// sends the lines as entries.
package journal
