// Package apache writes configurations for Apache httpd in front of the host, checks an installed
// Apache, and runs one of its own.
//
// It serves no request, reads no descriptor file and changes no configuration but its own.
package apache
