package dashboard

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/control"
	"github.com/modgw/modgw/modgw/history"
	"github.com/modgw/modgw/modgw/masking"
)

// shownRecords is the number of log records on the page of an app.
const shownRecords = 100

// appPage holds the data of the page of an app.
type appPage struct {
	row
	Root        string
	Done        string // title of an action that was done; "": none
	Actions     []action
	Plots       []plot
	Generations []generation
	Requests    modgw.RequestRecords
	Log         []control.LogRecord
	Settings    []masking.Setting
}

// plot is one of the plots of an app, as shown without JavaScript.
type plot struct {
	Title   string
	Legend  []figure
	Drawing drawing
}

// generation is a deploy, or the generation that serves although its deploy is not kept.
type generation struct {
	history.Deploy
	Current bool
	Tries   int // number of consecutive tries that failed alike; 0: one, or it succeeded
}

// name returns the app of the request.
func (v *visit) name() modgw.AppName { return modgw.AppName(v.r.PathValue("app")) }

// app shows the page of one app.
func (v *visit) app() error {
	a, err := v.readApp(v.r.Context(), v.name())
	if err != nil {
		return err
	}
	if done := findAction(v.r.URL.Query().Get("done")); done != nil {
		a.Done = done.Title
	}
	if a.Settings, err = v.settings(v.name()); err != nil {
		return err
	}
	p := v.page(string(v.name()), a)
	p.Events = v.root + "/events?app=" + escape(v.name())
	if p.Parts, err = appParts(a); err != nil {
		return err
	}
	v.show(http.StatusOK, "app", p)
	return nil
}

// appParts returns the parts of an app's page that events replace.
func appParts(a *appPage) ([]part, error) {
	return renderParts(a, "state", "generations", "workers", "requests", "log", "environment", "watch")
}

// readApp requests the status of an app from the host.
func (v *visit) readApp(ctx context.Context, name modgw.AppName) (*appPage, error) {
	status, err := v.client.Status(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(status.Apps, func(a control.AppStatus) bool { return a.App == name })
	if i < 0 {
		return nil, &control.Refusal{Code: codeUnknownApp, Text: modgw.UnknownApp(name).Summary}
	}
	past, err := v.client.History(ctx, name, time.Time{})
	if err != nil {
		return nil, err
	}
	var only *history.App
	if len(past) > 0 {
		only = &past[0]
	}
	a := &appPage{row: newRow(status.Apps[i], only), Root: v.root, Plots: plotsOf(only)}
	a.Actions = actionsFor(&a.row)
	a.Generations = generationsOf(a.AppStatus, only)
	if a.Requests, err = v.client.RequestRecords(ctx, name); err != nil {
		return nil, err
	}
	err = v.client.Logs(ctx, control.LogQuery{App: name, Lines: shownRecords}, func(r control.LogRecord) bool {
		a.Log = append(a.Log, r)
		return true
	})
	slices.Reverse(a.Log)
	return a, err
}

// settings returns the settings of an app, without secrets.
func (v *visit) settings(name modgw.AppName) ([]masking.Setting, error) {
	all, err := v.client.Descriptors(v.r.Context())
	for _, d := range all {
		if d.Name == name {
			return masking.Flat(d), err
		}
	}
	return nil, err
}

// plotsOf returns the plots whose figures are known.
func plotsOf(past *history.App) (plots []plot) {
	series, latest := history.AllSeries(), latestOf(past)
	for i := 0; i < len(series); {
		p, names := plot{Title: series[i].Plot}, []string(nil)
		for ; i < len(series) && series[i].Plot == p.Title; i++ {
			names = append(names, series[i].Name)
			p.Legend = append(p.Legend, figure{Name: series[i].Title, Value: valueText(latest(series[i].Name), series[i].Unit)})
		}
		if p.Drawing = drawSeries(past, names, time.Hour); !p.Drawing.Empty {
			plots = append(plots, p)
		}
	}
	return plots
}

// generationsOf returns the deploys of an app, newest first.
func generationsOf(a control.AppStatus, past *history.App) (all []generation) {
	number := 0
	if a.Generation != nil {
		number = a.Generation.Number
	}
	known := false
	if past != nil {
		for _, d := range past.Deploys {
			current := d.Error == "" && d.Generation == number && number > 0
			known = known || current
			if last := len(all) - 1; d.Error != "" && last >= 0 && all[last].Error == d.Error {
				all[last] = generation{Deploy: d, Tries: max(all[last].Tries, 1) + 1}
				continue
			}
			all = append(all, generation{Deploy: d, Current: current})
		}
	}
	if g := a.Generation; g != nil && !known {
		all = append(all, generation{Current: true, Deploy: history.Deploy{
			Time: g.Ready, Generation: g.Number, Cause: g.Cause, Took: g.Took, Serving: g.Number,
		}})
	}
	slices.Reverse(all)
	return all
}

// appFigures holds the data for plots.
type appFigures struct {
	Series []history.Series `json:"series"`
	App    *history.App     `json:"app"` // null: nothing is known
}

// figures answers with the points of an app after a time, in JSON.
func (v *visit) figures() error {
	since, _ := strconv.ParseInt(v.r.URL.Query().Get("since"), 10, 64)
	f, err := v.readFigures(v.r.Context(), v.name(), time.UnixMilli(since))
	if err != nil {
		return err
	}
	v.w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(v.w).Encode(f) // a client that has gone needs no answer
	return nil
}

func (v *visit) readFigures(ctx context.Context, name modgw.AppName, since time.Time) (appFigures, error) {
	past, err := v.client.History(ctx, name, since)
	f := appFigures{Series: history.AllSeries()}
	if len(past) > 0 {
		f.App = &past[0]
	}
	return f, err
}
