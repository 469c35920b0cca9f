// Package logqueue writes logs without blocking the callers or returning errors to them. A bounded
// queue is in front of the file. Lines that do not fit into the queue, or cannot be written, are
// dropped and counted. The count is written once writing works again.
package logqueue
