// Package export writes configurations for web servers in front of the host that are not Apache:
// nginx and lighttpd.
//
// It reads no descriptor file, serves no request and changes nothing: it returns text.
package export
