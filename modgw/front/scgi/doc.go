// Package scgi is the front for web servers that speak SCGI: nginx's scgi_pass, Apache's mod_proxy_scgi and lighttpd's
// mod_scgi.
package scgi
