// Package testbed is the common part of the commands below bench: it builds modgw-host, starts it
// and other servers in a folder, waits for them, and writes a table into a page.
//
// Each command decides what it measures, and for which apps.
package testbed
