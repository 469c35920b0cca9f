// Package workers keeps the worker processes of a runner running: it starts them, replaces those
// that end or have served long enough, lets them finish, and ends them.
//
// It knows neither what a worker does nor how requests reach it: each worker has a [Program] that
// does.
package workers
