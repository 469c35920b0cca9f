package cgi

import "strings"

// dropped reports whether a variable says something about the web server's own process, files or
// administrator, or belongs to other programs than ours. No app has a use for it, some would be led
// astray by it, and mod_wsgi 6 drops the same. MODGW_MOUNT is dropped too: the mount is what the
// descriptor says.
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
