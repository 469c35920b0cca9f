// Package mountinfo reads the kernel's table of mounts, as in proc_pid_mountinfo(5).
package mountinfo

import "strings"

// Path is the file with the mounts of this process.
const Path = "/proc/self/mountinfo"

// Mount is a line of the table.
type Mount struct {
	ID      string   // the number of the mount
	Device  string   // the number of the file system's device
	Root    string   // the path in the file system that is mounted
	Point   string   // the path at which it is mounted
	Type    string   // the type of the file system
	Options []string // the options of the file system
}

// decode reverts the kernel's encoding of blanks and backslashes in paths.
var decode = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace

// Parse returns the mounts of a table, and skips incomplete lines.
func Parse(table string) (mounts []Mount) {
	for line := range strings.Lines(table) {
		mount, system, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " - ")
		// ID, parent, device, root, point, …; type, source, which may be empty, options.
		m, s := strings.Split(mount, " "), strings.Split(system, " ")
		if len(m) < 5 || len(s) < 3 {
			continue
		}
		mounts = append(mounts, Mount{m[0], m[2], decode(m[3]), decode(m[4]), s[0], strings.Split(s[2], ",")})
	}
	return mounts
}
