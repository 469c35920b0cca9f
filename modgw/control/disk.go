package control

import (
	"context"
	"net/http"
	"net/url"

	"github.com/modgw/modgw/modgw"
)

// DiskStatus is the disk usage of an app and its user on the host's disk, in bytes.
type DiskStatus struct {
	// the app's environment, which other apps of its user may share
	Environment int64 `json:"environment"`
	Private     int64 `json:"private"` // its private folder
	// its records in the files of the log that the host keeps
	Logs int64 `json:"logs"`

	User string          `json:"user"` // login name of the user that the app runs as
	Used modgw.DiskUsage `json:"used"` // bytes of all apps of the user
	Most int64           `json:"most"` // limit of Used; 0: none
}

// disk answers with the disk usage of an app.
func (s *Server) disk(w http.ResponseWriter, r *http.Request) {
	disk, err := s.Host.Disk(modgw.AppName(r.PathValue("app")))
	reply(w, disk, err)
}

// Disk requests the disk usage of an app and its user. The host counts the files, unless it did a
// few seconds ago.
func (c *Client) Disk(ctx context.Context, app modgw.AppName) (DiskStatus, error) {
	return ask[DiskStatus](ctx, c, http.MethodGet, "/v1/apps/"+url.PathEscape(string(app))+"/disk")
}
