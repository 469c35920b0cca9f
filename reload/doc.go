// Package reload tells when files that an app was made from have changed: it watches directories,
// waits until the changes settle and nothing is being written any more, drops those that changed
// nothing, and says what class the rest is of.
//
// It decides nothing: it reads no descriptor, builds nothing and reloads nothing. A consumer gives
// it an [Interest] for each app and a function that is called with each [Change].
//
// Events say where to look: after a change the files and folders that they name are looked at, and
// the rest is taken from the look before. Everything is looked at where events cannot tell: at the
// beginning, when some were lost, when something was mounted, and when a link or the way to a root
// changed.
//
// At rest it does nothing at all: while file events are trusted no timer runs and no file is
// looked at; one goroutine sleeps in the read of events and one in the wait for mounts. Files that
// are polled are looked at once in [Config.Poll], or so rarely that it takes a twentieth of the
// time.
package reload
