// Package pyapp has what readers of servers for Python apps share: an app as such a configuration
// has it, options that become settings of its descriptor, and the writing of both into a plan.
//
// It reads no format. Readers below loader/migrate do, and have a table of a [Rule] for each option
// of their server.
package pyapp
