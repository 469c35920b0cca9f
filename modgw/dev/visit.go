package dev

import (
	"fmt"
	"net/http"

	"github.com/modgw/modgw/modgw"
)

// visit is a request for an app.
type visit struct {
	handler *Handler
	app     *app
	name    modgw.AppName
	mount   modgw.MountPath
	body    *body // nil: no form
	state   state // at the time when the request was passed on
}

// serveLate answers a request that has waited too long for changed code.
func (v *visit) serveLate(w http.ResponseWriter, r *http.Request) {
	v.state = v.app.state()
	v.serve(w, r, http.StatusServiceUnavailable, &modgw.Fault{
		Code:    "MGW-DEV-001",
		Summary: fmt.Sprintf("cannot answer yet: app %q is still being made ready after %s", v.name, v.handler.config.Hold),
		Hint:    "the terminal shows what it is doing; this page follows by itself",
	})
}

func (v *visit) serve(w http.ResponseWriter, r *http.Request, status int, f *modgw.Fault) {
	modgw.ServeFault(w, r.WithContext(modgw.WithDeveloperPage(r.Context(), v.serveFault)), status, f, true)
}

// serveFault implements [modgw.DeveloperPage] for a visit.
func (v *visit) serveFault(w http.ResponseWriter, r *http.Request, status int, f *modgw.Fault) {
	if !v.isForDeveloper(r) {
		v.serveOthers(w, r, status)
		return
	}
	v.report(r, status, f).write(w, r.Header.Get("Accept"))
}
