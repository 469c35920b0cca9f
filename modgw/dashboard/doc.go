// Package dashboard shows a host to browsers: all apps, one app with its figures of the last hour,
// and requests that were slow or failed. The server renders the pages, which work without
// JavaScript. With JavaScript, server-sent events keep them up to date.
//
// A visitor has the same rights as on the control socket, and all data and actions go through its
// API. The package sends no requests to other machines.
package dashboard
