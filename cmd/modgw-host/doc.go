// Command modgw-host hosts many web apps behind Apache, nginx, lighttpd or alone; each is described
// by one small HCL file, runs in an environment of its own, and is reloaded when its files change.
//
// Each verb has a file of its own here; modgw/host does the work.
package main
