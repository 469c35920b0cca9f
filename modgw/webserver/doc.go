// Package webserver is what the configuration of a web server in front is made from, whichever
// server it is: the virtual hosts and their apps in the order in which the gateway routes, the
// listener that the server connects to, and how long it waits for an answer.
//
// It writes no server's configuration, which apache and export do.
package webserver
