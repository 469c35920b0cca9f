// Package webconf reads configurations of Apache, nginx, lighttpd and HAProxy as trees of
// directives, each with the file and the lines in which it stands.
//
// It knows how these files are written, which of them include others, and which parts of Apache's
// do not count because a module is missing or a name is not defined. It knows no other meaning of
// any directive, and runs nothing that a configuration names.
package webconf
