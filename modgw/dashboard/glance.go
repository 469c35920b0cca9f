package dashboard

import (
	"context"
	"os"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/control"
	"github.com/modgw/modgw/modgw/diagnosis"
	"github.com/modgw/modgw/modgw/history"
)

// glanceTime is the period that the page with all apps shows.
const glanceTime = 15 * time.Minute

// glance shows the page with all apps.
func (v *visit) glance() error {
	parts, err := v.glanceParts(v.r.Context())
	if err != nil {
		return err
	}
	p := v.page("All apps", nil)
	p.Parts, p.Events = parts, v.root+"/events"
	v.show(200, "glance", p)
	return nil
}

// apps holds the data of the page with all apps.
type apps struct {
	Root    string
	Machine string
	Status  control.Status
	Rows    []row
	Unwell  int // number of apps with problems

	HostUnwell *diagnosis.Diagnosis // problem of the host itself; nil: none is known
}

func (v *visit) glanceParts(ctx context.Context) ([]part, error) {
	status, err := v.client.Status(ctx)
	if err != nil {
		return nil, err
	}
	past, err := v.client.History(ctx, "", time.Now().Add(-glanceTime))
	if err != nil {
		return nil, err
	}
	byName := map[modgw.AppName]*history.App{}
	for i := range past {
		byName[past[i].App] = &past[i]
	}
	a := apps{Root: v.root, Status: status, HostUnwell: status.Diagnosis}
	a.Machine, _ = os.Hostname() // "" is shown as such
	for _, app := range status.Apps {
		r := newRow(app, byName[app.App])
		if r.Level == levelCritical || r.Level == levelWarning {
			a.Unwell++
		}
		a.Rows = append(a.Rows, r)
	}
	sortRows(a.Rows)
	return renderParts(a, "summary", "apps")
}

func renderParts(data any, names ...string) ([]part, error) {
	parts := make([]part, 0, len(names))
	for _, name := range names {
		p, err := renderPart(name, data)
		if err != nil {
			return nil, err
		}
		parts = append(parts, p)
	}
	return parts, nil
}
