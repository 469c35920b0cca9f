package sandbox

// systemFiles are what programs read of every system: programs, libraries, configuration, and what
// the kernel says of itself. Files there that are secret have a mode that says so.
var systemFiles = []string{
	"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/opt", "/nix/store", "/snap",
	"/proc", "/sys", "/run/systemd/resolve", "/run/resolvconf", "/run/NetworkManager/resolv.conf",
}

// devices are what programs use for no device of their own.
var devices = []string{
	"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/ptmx", "/dev/pts",
}

// System returns grants for what every program needs of a system.
func System() []Grant {
	grants := make([]Grant, 0, len(systemFiles)+len(devices))
	for _, path := range systemFiles {
		grants = append(grants, Grant{Path: path})
	}
	for _, path := range devices {
		grants = append(grants, Grant{Path: path, Write: true})
	}
	return grants
}
