package reload

import (
	"fmt"

	"github.com/modgw/modgw/modgw"
)

func badGlob(app modgw.AppName, pattern string) error {
	return &modgw.Fault{
		Code:    "MGW-RLD-001",
		Summary: fmt.Sprintf("cannot watch the files of app %q: %q is not a pattern", app, pattern),
		Hint:    `patterns are such as "templates/**", "*.toml" or "conf/{a,b}.yaml", relative to the app's root`,
	}
}

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
