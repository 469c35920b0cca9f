package reload

import (
	"fmt"
	"path/filepath"

	"github.com/modgw/modgw/modgw"
)

func watchesExhausted(err error) error {
	return &modgw.Fault{
		Code:    "MGW-RLD-002",
		Summary: "cannot watch more folders with inotify",
		Err:     err,
		Hint:    "sysctl fs.inotify.max_user_watches=524288 fs.inotify.max_user_instances=512 raises the limits; put the same into /etc/sysctl.d to keep it",
	}
}

func tooManyFolders(in Interest) error {
	return &modgw.Fault{
		Code:    "MGW-RLD-003",
		Summary: fmt.Sprintf("cannot watch all folders below %q: there are more than %d", in.Root, folderLimit),
		Hint:    `leave out what is not code: reload { ignore = ["media/**"] }`,
	}
}

func oversizedLinkFault(path string) error {
	return &modgw.Fault{
		Code: "MGW-RLD-008",
		Summary: fmt.Sprintf("cannot watch all that %q leads to: links to other folders count up to %d folders and %d files",
			path, outsideFolderLimit, outsideFileLimit),
		Hint: `leave the link out when there is no code behind it: reload { ignore = ["` + filepath.Base(path) + `"] }`,
	}
}

func noEvents(dir string, err error) error {
	return &modgw.Fault{
		Code:    "MGW-RLD-004",
		Summary: fmt.Sprintf("cannot rely on file events for %q: none arrive", dir),
		Err:     err,
		Hint:    "nothing needs to be done: the files are looked at once a second instead",
	}
}

func heldTooLong(o obstacle) *modgw.Fault {
	return &modgw.Fault{
		Code:    "MGW-RLD-005",
		Summary: fmt.Sprintf("cannot tell whether all files are written: after %s still %s", holdbackLimit, o.why),
		Hint:    "what is there now goes live; when the writer has ended for good, remove what it left behind",
	}
}

func rootGone(in Interest) error {
	return &modgw.Fault{
		Code:    "MGW-RLD-006",
		Summary: fmt.Sprintf("cannot find the files of app %q in %q any more", in.App, in.Root),
		Hint:    "put them back, or mount the folder again: the app is reloaded then; to end the app, remove its descriptor",
	}
}

func mountedAlone(path string) error {
	return &modgw.Fault{
		Code:    "MGW-RLD-007",
		Summary: fmt.Sprintf("cannot see when %q is replaced outside: it is mounted as a single file", path),
		Hint:    "mount the folder that it is in",
	}
}
