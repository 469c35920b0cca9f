// Package exchange is what CGI (RFC 3875) and FastCGI have in common: the variables that tell a program of its request, the
// request's body, the head of the program's response, and passing the response on.
//
// It starts no program and knows no record of FastCGI.
package exchange
