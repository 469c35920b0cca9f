package dashboard

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/control"
)

// action is an action on an app that a visitor can start.
type action struct {
	Name    string // in URLs
	Title   string // on its button
	Effect  string // explanation for the user who confirms it
	Ask     string // label of the field for the word that perform gets; "": there is no field
	Danger  bool   // requests fail afterwards
	isOf    func(*row) bool
	perform func(ctx context.Context, c *control.Client, app modgw.AppName, word string) error
}

// actions lists all actions, in the order of their buttons. Add new actions here.
var actions = []action{
	{
		Name: "reload", Title: "Reload", isOf: isNotStopped, perform: verb("reload"),
		Effect: "The descriptor is read again, and a new generation replaces the one that serves as soon as it is ready. No request is lost.",
	},
	{
		Name: "restart", Title: "Restart", isOf: isNotStopped, perform: verb("restart"),
		Effect: "New workers replace those that serve as soon as they are ready. No request is lost.",
	},
	{
		Name: "start", Title: "Start", isOf: isStopped, perform: verb("restart"),
		Effect: "The app starts, and serves its requests again.",
	},
	{
		Name: "rollback", Title: "Roll back", perform: verb("rollback"), isOf: func(r *row) bool { return r.Previous > 0 },
		Effect: "The descriptor and the environment of the last good generation come back. Files of the app stay as they are now.",
	},
	{
		Name: "scale", Title: "Scale", Ask: "Workers, such as 4 or 1..8; empty: as the descriptor says", perform: scale,
		isOf:   func(r *row) bool { return r.Scale != nil && isNotStopped(r) },
		Effect: "The app gets another number of workers, until its descriptor changes it or the host ends. No request is lost.",
	},
	{
		Name: "stop", Title: "Stop", Danger: true, isOf: isNotStopped, perform: verb("stop"),
		Effect: "The workers end. Requests are answered 503 until the app is started again.",
	},
}

func isStopped(r *row) bool { return r.State == modgw.AppStopped }

func isNotStopped(r *row) bool { return !isStopped(r) }

// longestWait limits a visitor's wait for a new generation. The generation is made in any case.
const longestWait = 20 * time.Second

// verb returns a function that performs one of the verbs of the control socket.
func verb(name string) func(context.Context, *control.Client, modgw.AppName, string) error {
	return func(ctx context.Context, c *control.Client, app modgw.AppName, _ string) error {
		if name == "reload" || name == "restart" {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, longestWait)
			defer cancel()
		}
		err := c.Do(ctx, name, app, true)
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return nil // it continues, and the page shows its result
		}
		return err
	}
}

// scale sets the number of workers of an app to a visitor's input.
func scale(ctx context.Context, c *control.Client, app modgw.AppName, word string) error {
	var wanted modgw.Scale
	if word != "" {
		var err error
		if wanted, err = modgw.ParseScale(word); err != nil {
			return err
		}
	}
	_, err := c.Scale(ctx, app, wanted)
	return err
}

// actionsFor returns the actions that make sense for an app in its present state.
func actionsFor(r *row) (possible []action) {
	for _, a := range actions {
		if a.isOf(r) {
			possible = append(possible, a)
		}
	}
	return possible
}

func findAction(name string) *action {
	for i := range actions {
		if actions[i].Name == name {
			return &actions[i]
		}
	}
	return nil
}

// confirmation holds the data of the page that asks for confirmation of an action.
type confirmation struct {
	Root   string
	App    modgw.AppName
	Action action
}

// confirm asks for confirmation of an action.
func (v *visit) confirm() error {
	a := findAction(v.r.PathValue("action"))
	if a == nil {
		return errNoAction
	}
	v.show(http.StatusOK, "confirm", v.page(a.Title+" "+string(v.name())+"?", confirmation{v.root, v.name(), *a}))
	return nil
}

var errNoAction = &control.Refusal{Code: codeUnknownApp, Text: "cannot do that to an app"}

// act performs an action.
func (v *visit) act() error {
	a := findAction(v.r.PathValue("action"))
	if a == nil {
		return errNoAction
	}
	if err := a.perform(v.r.Context(), v.client, v.name(), strings.TrimSpace(v.r.PostFormValue("word"))); err != nil {
		return err
	}
	http.Redirect(v.w, v.r, v.root+"/apps/"+escape(v.name())+"?done="+a.Name, http.StatusSeeOther)
	return nil
}
