// Package rfc3875 is what CGI and FastCGI have in common: the variables that tell a program of its request, and the head of the
// program's response.
//
// It starts no program and knows no record of FastCGI.
package rfc3875
