// Package nginx reads the configuration of an nginx in front of apps that are migrated, and writes
// its new one: server blocks stay unchanged, except that requests that went to an app's old server
// go to the host.
//
// An app gets the settings that only the web server had: its host names, the largest body, the
// mount in SCRIPT_NAME, and the folders of static files.
package nginx
