// Package cgi runs a process for each request, as RFC 3875 defines it.
//
// It keeps no process running: a program that should live longer than a request is a FastCGI
// program.
package cgi
