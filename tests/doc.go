// Package tests runs the whole of modgw-host as its users do: the real program, real web servers in
// front of it, and real apps behind it.
package tests
