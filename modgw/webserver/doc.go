// Package webserver has the common parts of the configuration of any web server in front: the
// virtual hosts and their apps in the order in which the gateway routes, the listener that the
// server connects to, and how long it waits for an answer.
//
// It writes no server's configuration: apache and export do.
package webserver
