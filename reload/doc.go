// Package reload reports changes of the files from which an app was made: it watches directories,
// waits until the changes settle and nothing is being written any more, drops ineffective ones, and
// classifies the rest.
//
// It makes no decisions: it reads no descriptor, builds nothing and reloads nothing. A consumer
// gives it an [Interest] for each app and a function that is called with each [Change].
//
// Events show where to look: after a change the files and folders that they name are scanned, and
// the rest is copied from the scan before. Everything is scanned if events are not sufficient: at
// the beginning, when some were lost, when something was mounted, and when a link or the way to a
// root changed.
//
// At rest it does nothing at all: while file events are trusted no timer runs and no file is
// scanned; one goroutine sleeps in the read of events and one in the wait for mounts. Files that
// are polled are scanned once in [Config.Poll], or so rarely that it takes a twentieth of the time.
package reload
