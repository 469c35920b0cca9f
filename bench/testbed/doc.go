// Package testbed is what commands below bench have in common: they build modgw-host, start it and
// other servers in a folder of their own, wait for them, and write a table into a page.
//
// What is measured, and of which apps, is the commands' own.
package testbed
