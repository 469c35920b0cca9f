package listen

import (
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"
)

// webServers are the users that the web servers of distributions run as.
var webServers = []string{"www-data", "apache", "httpd", "nginx", "http", "lighttpd", "wwwrun", "www", "haproxy", "caddy"}

// WebServers returns the peers for ports that web servers of this machine connect to: root, this
// process's user, and the existing users among those that web servers run as.
func WebServers() Peers {
	p := Peers{UIDs: []uint32{0, uint32(os.Getuid())}}
	for _, name := range webServers {
		if u, err := user.Lookup(name); err == nil {
			if uid, err := strconv.ParseUint(u.Uid, 10, 32); err == nil {
				p.UIDs = append(p.UIDs, uint32(uid))
			}
		}
	}
	return p
}

// IsWebServer reports whether a user is one that web servers run as.
func IsWebServer(uid uint32) bool {
	u, err := user.LookupId(strconv.FormatUint(uint64(uid), 10))
	return err == nil && slices.Contains(webServers, u.Username)
}

// Named are peers by the names or numbers of users and, after an "@", of groups. Root and this
// process's user are among them in any case.
func Named(names []string) (Peers, error) {
	p := Peers{UIDs: []uint32{0, uint32(os.Getuid())}}
	for _, name := range names {
		group, isGroup := strings.CutPrefix(name, "@")
		if isGroup {
			name = ""
		}
		uid, gid, err := ownerIDs(name, group)
		if err != nil {
			return p, err
		}
		if isGroup {
			p.GIDs = append(p.GIDs, uint32(gid))
		} else {
			p.UIDs = append(p.UIDs, uint32(uid))
		}
	}
	return p, nil
}
