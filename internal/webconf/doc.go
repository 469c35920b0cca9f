// Package webconf reads configurations of Apache, nginx, lighttpd and HAProxy as trees of
// directives, each with its file and lines.
//
// It knows the syntax of these files, which files they include, and which parts of Apache's files
// do not apply because a module is missing or a name is not defined. It knows no other meaning of
// directives, and runs no programs that a configuration names.
package webconf
