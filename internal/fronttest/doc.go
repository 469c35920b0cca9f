// Package fronttest starts real web servers for tests, on free ports of the loopback interface,
// with a configuration of the test's own.
//
// It is for tests alone. It configures no more than a server needs to start: what is tested stands
// in the test.
package fronttest
