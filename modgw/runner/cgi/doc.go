// Package cgi runs a process for each request, as RFC 3875 has it.
//
// It keeps no process: one that should live longer than a request is a FastCGI program.
package cgi
