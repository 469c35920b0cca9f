// Package dashboard shows a host to browsers: all apps, one app with its figures of the last hour,
// and requests that were slow or failed. Pages are made by the server and work without JavaScript;
// with it they follow what happens, by server-sent events.
//
// A visitor has the rights that the control socket gives the same user, and all that is shown
// and done goes through its API. The package asks no other machine for anything.
package dashboard
