package host

import (
	"errors"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/reload"
)

// noteBlocked remembers an app that was not deployed because another one has its place, and
// deploys apps again that may have room after the event.
func (h *Host) noteBlocked(e modgw.Event) {
	h.mu.Lock()
	if e.Fault != nil && errors.Is(e.Fault, modgw.ErrPlaceTaken) {
		h.blocked[e.App] = true
	} else {
		delete(h.blocked, e.App)
	}
	h.mu.Unlock()
	h.retryBlocked()
}

// retryBlocked deploys apps again that were refused because another app had their place, if they
// have room now, or will have it after the deploys that were requested.
func (h *Host) retryBlocked() {
	h.mu.Lock()
	var reconcilers []*reconciler
	for name := range h.blocked {
		if m := h.apps[name]; m != nil {
			reconcilers = append(reconcilers, m.reconciler)
		} else {
			delete(h.blocked, name)
		}
	}
	h.mu.Unlock()
	for _, r := range reconcilers {
		d := r.descriptor()
		if !h.gateway.HasRoom(d) {
			continue
		}
		h.mu.Lock()
		delete(h.blocked, d.Name)
		h.mu.Unlock()
		_ = h.gateway.Expect(d) // the deploy reports the error
		r.request(deployRequest{class: reload.Descriptor, cause: "its place has become free"})
	}
}

// requestDeploy asks for a new generation after a change of an app's files, and deploys apps
// again that wait for its place.
func (h *Host) requestDeploy(r *reconciler, req deployRequest) {
	if d := r.descriptor(); h.gateway.State(d.Name).Serves() {
		_ = h.gateway.Expect(d) // the deploy reports the error
	}
	r.request(req)
	h.retryBlocked()
}
