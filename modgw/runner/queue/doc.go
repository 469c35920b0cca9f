// Package queue assigns requests to a runner's members, which may be processes or programs. Each
// request gets a place at the least busy member, or waits in order until one is free, within the
// limits of the app's queue.
//
// It starts nothing, and does not depend on requests or members. WSGI apps have their own queue, in
// modgw/runner/python/wsgi/scheduler.go, and requests for an app that has no generation yet wait in
// modgw/startqueue.go.
package queue
