// Package logtext prints log records for people: time, app, message and attributes on one line, and
// texts of several lines, such as tracebacks, indented below it.
package logtext
