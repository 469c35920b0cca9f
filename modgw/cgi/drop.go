package cgi

import "strings"

// dropped reports whether a variable describes the web server's own process, files or
// administrator, or belongs to programs other than ours. No app needs these, some apps would
// misread them, and mod_wsgi 6 drops the same ones. MODGW_MOUNT is dropped too, because the
// descriptor defines the mount.
func dropped(name string) bool {
	switch name {
	case "",
		"PATH", "HOME", "SHELL", "IFS", "PWD", "DOCUMENT_ROOT", "SCRIPT_FILENAME", "PATH_TRANSLATED",
		"GATEWAY_INTERFACE", "SERVER_SIGNATURE", "SERVER_ADMIN", "REMOTE_HOST", "REMOTE_IDENT",
		"PHP_VALUE", "PHP_ADMIN_VALUE", "FCGI_ROLE", "SCGI", "TRANSFER_ENCODING":
		return true
	}
	for _, prefix := range [...]string{
		"CONTEXT_", "LD_", "DYLD_", "BASH_", "PYTHON", "UWSGI_", "FCGI_", "MODGW_",
		"wsgi.", "asgi.", "modgw.", // keys of the app's environ that no server may forge
	} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}
