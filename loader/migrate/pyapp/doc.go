// Package pyapp has the common part of the readers of servers for Python apps: an app as described
// by such a configuration, options that become settings of its descriptor, and the writing of both
// into a plan.
//
// It reads no format. Readers below loader/migrate do, and have a table with a [Rule] for each
// option of their server.
package pyapp
