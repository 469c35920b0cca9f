package sandbox

import (
	"path"
)

// installation returns the folders that belong to a program, unless it is installed with the
// system's programs.
func installation(program string) []string {
	bin := path.Dir(program)
	prefix := path.Dir(bin)
	if path.Base(bin) != "bin" || prefix == "/" || prefix == "/usr" {
		return nil
	}
	folders := []string{"bin", "lib", "lib64", "include", "libexec", "share", "lib-python", "lib_pypy", "src", "pkg", "go.env"}
	for i, name := range folders {
		folders[i] = path.Join(prefix, name)
	}
	return folders
}
