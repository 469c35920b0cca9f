// Package fronttest starts real web servers for tests, on free ports of the loopback interface,
// with a configuration that the test provides.
//
// It is only for tests. It adds only the settings that a server needs to start; the test contains
// the settings under test.
package fronttest
