// Package nginx reads the configuration of an nginx that stands in front of apps which are
// migrated, and writes its new one: server blocks stay as they are, and where they passed requests
// to an app's old server they pass them to the host.
//
// An app gets from it what only the web server knew: its host names, the largest body, the mount
// that a SCRIPT_NAME says, and the folders of static files.
package nginx
