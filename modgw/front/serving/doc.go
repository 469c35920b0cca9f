// Package serving is what the fronts have in common to which web servers bring requests, FastCGI, uwsgi and SCGI: their
// settings, and how connections are accepted, counted, drained and in the end cut off.
//
// It speaks no protocol and looks into no connection.
package serving
