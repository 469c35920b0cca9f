package reload

import (
	"context"
	"io/fs"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Links may lead anywhere. Their targets outside their tree are scanned last, after everything
// below the root, and only up to these limits for all links of an app together.
const (
	outsideFolderLimit = 1000
	outsideFileLimit   = 5000
)

// outsideLink is a link to a folder outside the tree that it is in.
type outsideLink struct {
	tree  *tree
	base  string // real path of the tree's base
	path  string // path of the link, as the tree names it
	rel   string
	depth int
	real  string // path that it leads to
	info  fs.FileInfo
}

// outsideWalk counts the files found through links that lead outside their tree.
type outsideWalk struct {
	links         []outsideLink // found and not walked
	walking       *outsideLink  // nil while the trees themselves are walked
	folders       int
	files         int
	oversizedLink string // link at which a limit was reached; "": none
}

// full reports whether a limit was reached, and records at which link.
func (o *outsideWalk) full() bool {
	if o.walking == nil || o.folders < outsideFolderLimit && o.files < outsideFileLimit {
		return false
	}
	if o.oversizedLink == "" {
		o.oversizedLink = o.walking.path
	}
	return true
}

// walkOutside walks the folders outside that links lead to.
func (s *scanner) walkOutside(ctx context.Context) {
	s.names, s.open = map[string]int{}, map[string]bool{}
	for len(s.outside.links) > 0 && ctx.Err() == nil {
		link := s.outside.links[0]
		s.outside.links, s.outside.walking = s.outside.links[1:], &link
		s.base = link.base
		before := s.out.files.len()
		s.walk(ctx, link.tree, link.real, link.rel, link.depth)
		if s.out.files.len() > before {
			s.link(link.path, link.real, link.info)
		}
	}
	s.outside.walking = nil
}

// isOffLimits reports whether a folder is never entered through a link: one that contains the tree
// would be walked in a circle, and the kernel's file systems contain no code.
func isOffLimits(base, real string) bool {
	return within(real, base) || isKernelPath(real) || isKernelMount(real)
}

// isKernelPath reports whether a path is one of those at which Linux mounts its own file systems.
func isKernelPath(real string) bool {
	return within("/proc", real) || within("/sys", real) || within("/dev", real)
}

// isKernelMount reports whether a folder is in a file system that the kernel makes up, wherever
// that is mounted.
func isKernelMount(dir string) bool {
	var st unix.Statfs_t
	if unix.Statfs(dir, &st) != nil {
		return false
	}
	switch st.Type {
	case unix.PROC_SUPER_MAGIC, unix.SYSFS_MAGIC, unix.DEVPTS_SUPER_MAGIC, unix.CGROUP_SUPER_MAGIC,
		unix.CGROUP2_SUPER_MAGIC, unix.DEBUGFS_MAGIC, unix.TRACEFS_MAGIC, unix.SECURITYFS_MAGIC, unix.BPF_FS_MAGIC:
		return true
	}
	return false
}

// follow scans the target of a link in a tree. A folder outside the tree has to wait for
// walkOutside.
func (s *scanner) follow(ctx context.Context, t *tree, link, rel string, depth int) {
	class := t.class(rel)
	if class == Nothing && !t.descends(rel, depth+1) || isSkippedFile(filepath.Base(rel)) {
		return
	}
	if s.linksMet++; s.mode == scanNamed {
		return
	}
	real, info := s.out.trace(link)
	path := filepath.Join(t.base, rel)
	switch {
	case info == nil:
	case info.Mode().IsRegular() && class != Nothing && !isKernelPath(real):
		s.out.leadsTo(real, path, class)
		s.add(path, real, info, class)
	case !info.IsDir() || !t.descends(rel, depth+1) || isOffLimits(s.base, real):
	case !within(s.base, real) && s.outside.walking == nil:
		s.outside.links = append(s.outside.links, outsideLink{t, s.base, path, rel, depth + 1, real, info})
	case s.outside.walking != nil && within(s.base, real): // it was walked with the tree
	default:
		before := s.out.files.len()
		s.following++
		s.walk(ctx, t, real, rel, depth+1)
		s.following--
		if s.out.files.len() > before {
			s.link(path, real, info)
		}
	}
}
