// Package logtext prints log records for people: time, app, message and attributes on one line, and
// what has lines of its own, such as a traceback, indented below it.
package logtext
