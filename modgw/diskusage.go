package modgw

import "fmt"

// DiskUsage counts the bytes of a user on the host's disk.
type DiskUsage struct {
	Environments int64 `json:"environments"` // in environments of the user's apps
	Caches       int64 `json:"caches"`       // in downloads that are kept for later builds
	Private      int64 `json:"private"`      // in private folders of sandboxes
	Spool        int64 `json:"spool"`        // in bodies kept for slow clients
	Logs         int64 `json:"logs"`         // in the log that the host keeps

	// Largest names the apps of the largest environment; "": there is none.
	Largest string `json:"largest"`
}

// Sum is all of it.
func (u DiskUsage) Sum() int64 { return u.Environments + u.Caches + u.Private + u.Spool + u.Logs }

// String describes the parts of the usage.
func (u DiskUsage) String() string {
	text := "environments " + mebibytes(u.Environments)
	if u.Largest != "" {
		text += fmt.Sprintf(" (the largest is that of %s)", u.Largest)
	}
	return text + fmt.Sprintf(", caches %s, private folders %s, spool %s, log %s",
		mebibytes(u.Caches), mebibytes(u.Private), mebibytes(u.Spool), mebibytes(u.Logs))
}

// mebibytes is a number of bytes for people.
func mebibytes(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }
