// Package trial runs an Apache of our own with a configuration that was made for the Apache of the
// system: the same sites and directives, but at free ports of the loopback interface, with few
// processes, and with its logs and state in a folder of its own.
//
// It changes nothing that the configuration names. It reads no meaning into directives beside those
// of ports, accounts, processes and logs.
package trial
