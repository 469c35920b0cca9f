package metrics

import (
	"strings"
	"sync"
	"time"

	"github.com/modgw/modgw/modgw"
)

// deploys counts generations and environments of the apps.
type deploys struct {
	mu   sync.Mutex
	apps map[modgw.AppName]*deployed
}

// deployed holds the counts of one app.
type deployed struct {
	generations map[deployKind]int
	builds      map[string]int // environments, by result
	building    time.Duration  // time that builds took
}

// deployKind holds the labels by which generations are counted.
type deployKind struct{ cause, result string }

// resultOf returns the label of a result.
func resultOf(ok bool) string {
	if ok {
		return "success"
	}
	return "failure"
}

// deployCauses maps causes of deploys other than changed files to labels.
var deployCauses = map[string]string{
	"start": "start", "reload": "reload", "restart": "restart", "retry": "retry", "first request": "first_request",
	"its place has become free": "place_free", "its processes did not run on": "not_woken",
}

// deployCause returns the label of a cause.
func deployCause(cause string) string {
	if label, ok := deployCauses[cause]; ok {
		return label
	}
	if strings.HasPrefix(cause, "rollback ") {
		return "rollback"
	}
	return "files"
}

func (d *deploys) of(app modgw.AppName) *deployed {
	a := d.apps[app]
	if a == nil {
		a = &deployed{generations: map[deployKind]int{}, builds: map[string]int{}}
		d.apps[app] = a
	}
	return a
}

func (d *deploys) countGeneration(e modgw.Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.of(e.App).generations[deployKind{deployCause(e.Cause), resultOf(e.Fault == nil)}]++
}

func (d *deploys) countBuild(app modgw.AppName, took time.Duration, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	a := d.of(app)
	a.builds[resultOf(ok)]++
	a.building += took
}

// keep removes the apps that are not in has.
func (d *deploys) keep(has map[modgw.AppName]bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for name := range d.apps {
		if !has[name] {
			delete(d.apps, name)
		}
	}
}
