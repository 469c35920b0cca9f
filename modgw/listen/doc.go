// Package listen opens the sockets that fronts listen on, takes them away again, and accepts
// connections from the peers that may connect.
//
// It speaks no protocol and never looks into a connection.
package listen
