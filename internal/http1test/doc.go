// Package http1test contains HTTP/1 requests with the expected results, for the tests of the parser
// and of its users.
package http1test
