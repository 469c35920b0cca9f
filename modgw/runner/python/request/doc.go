// Package request holds what all ways to a worker share for one request: what its runner is, what
// the worker must do with it, and how its body is sent within what the worker allows.
//
// It chooses no worker and reads no frames of responses.
package request
