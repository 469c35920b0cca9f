// Package request holds the common part of all ways to a worker for one request: its runner, the
// worker's task, and the sending of its body within the worker's window.
//
// It chooses no worker and reads no response frames.
package request
