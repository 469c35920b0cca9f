package reload

import (
	"path/filepath"

	"golang.org/x/sys/unix"
)

// networkFilesystems are file systems whose files other machines can change without an event here,
// by magic number (statfs(2)).
var networkFilesystems = map[uint32]string{
	0x6969:     "NFS",
	0x517B:     "SMB",
	0xFF534D42: "CIFS",
	0xFE534D42: "SMB2",
	0x65735546: "FUSE",
	0x01021997: "9p",
	0x786f4256: "vboxsf",
	0x73757245: "Coda",
	0x5346414F: "AFS",
	0x00C36400: "Ceph",
	0x01161970: "GFS2",
	0x7461636f: "OCFS2",
	0x0BD00BD0: "Lustre",
	0x47504653: "GPFS",
	0x19830326: "BeeGFS",
	0x20030528: "OrangeFS",
	0xbacbacbc: "VMware shared folders",
	0x7c7c6673: "Parallels shared folders",
}

// networkFilesystem names the network file system of path, or of its nearest existing folder; ""
// for any other.
func networkFilesystem(path string) string {
	var st unix.Statfs_t
	for unix.Statfs(path, &st) != nil {
		parent := filepath.Dir(path)
		if parent == path {
			return ""
		}
		path = parent
	}
	return networkFilesystems[uint32(st.Type)]
}

// noEventsReason describes the files of an interest that are on a network file system, or returns
// "".
func (r *rules) noEventsReason() string {
	for _, t := range r.trees {
		if name := networkFilesystem(t.base); name != "" {
			return t.base + " is on " + name
		}
	}
	for path := range r.files {
		if name := networkFilesystem(filepath.Dir(path)); name != "" {
			return path + " is on " + name
		}
	}
	return ""
}
