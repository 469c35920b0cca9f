// Package trial runs a private Apache with a configuration that was made for the system's Apache:
// the same sites and directives, but on free ports of the loopback interface, with few processes,
// and with its logs and state in its own folder.
//
// It changes no file of the configuration. It interprets only the directives for ports, accounts,
// processes and logs.
package trial
