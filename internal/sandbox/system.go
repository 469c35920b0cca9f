package sandbox

// systemFiles are files that programs read on every system: programs, libraries, configuration, and
// information from the kernel. Secret files in these folders are protected by their modes.
var systemFiles = []string{
	"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/opt", "/nix/store", "/snap",
	"/proc", "/sys", "/run/systemd/resolve", "/run/resolvconf", "/run/NetworkManager/resolv.conf",
}

// devices are the device files that programs use although they manage no hardware.
var devices = []string{
	"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/ptmx", "/dev/pts",
}

// System returns grants for the files that every program needs.
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
