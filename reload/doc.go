// Package reload tells when files that an app was made from have changed: it watches directories, waits until the
// changes settle, drops those that changed nothing, and says what class the rest is of.
//
// It decides nothing: it reads no descriptor, builds nothing and reloads nothing. A consumer gives it an [Interest] for
// each app and a function that is called with each [Change].
package reload
