package host

import (
	"errors"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/reload"
)

// noteBlocked remembers an app that could not be deployed because another one has its place, and has those tried again that
// may have got room by what happened.
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

// retryBlocked asks for the deploys again that were refused because another app had the place, of the apps that have room
// now or will have it when all that has been asked for is done.
func (h *Host) retryBlocked() {
	h.mu.Lock()
	var keepers []*keeper
	for name := range h.blocked {
		if t := h.apps[name]; t != nil {
			keepers = append(keepers, t.keeper)
		} else {
			delete(h.blocked, name)
		}
	}
	h.mu.Unlock()
	for _, k := range keepers {
		d := k.descriptor()
		if !h.gateway.HasRoom(d) {
			continue
		}
		h.mu.Lock()
		delete(h.blocked, d.Name)
		h.mu.Unlock()
		_ = h.gateway.Expect(d) // the deploy says why not
		k.order(order{class: reload.Descriptor, cause: "its place has become free"})
	}
}

// orderDeploy asks for a new generation for a change of an app's files, and lets those be tried again that wait for its place.
func (h *Host) orderDeploy(k *keeper, o order) {
	if d := k.descriptor(); h.gateway.State(d.Name) == modgw.AppServing {
		_ = h.gateway.Expect(d) // the deploy says why not
	}
	k.order(o)
	h.retryBlocked()
}
