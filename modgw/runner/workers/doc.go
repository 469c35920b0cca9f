// Package workers keeps the worker processes of a runner running: it starts them, replaces those
// that end or have served long enough, lets them finish, and ends them.
//
// It does not depend on the work or on the way of requests: each worker has a [Driver] for that.
package workers
