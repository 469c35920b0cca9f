// Command modgw-host hosts many web apps behind Apache, nginx, lighttpd or alone. Each app is
// described by one small HCL file, runs in its own environment, and is reloaded when its files
// change.
//
// Each verb has its own file here. Package modgw/host does the work.
package main
