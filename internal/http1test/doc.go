// Package http1test has what clients may send in HTTP/1 and how it is judged, for the tests of the
// parser and of those who drive it.
package http1test
