package host

import (
	"net"
	"slices"
	"sync"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/upgrade"
)

// predecessors are the hosts whose place this one has taken and that have not ended.
type predecessors struct {
	mu   sync.Mutex
	open []*upgrade.Predecessor
	wait sync.WaitGroup // for followers

	// release ends the HoldAwake that lasts until the hosts are followed, each of which has its
	// own; nil: there are none.
	release func()
}

func (p *predecessors) all() []*upgrade.Predecessor {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.open)
}

// follow serves the connections that a host passes, until it has ended or was left. given is as in
// [upgrade.Predecessor.Follow]. release is called at the end.
func (p *predecessors) follow(
	host *upgrade.Predecessor, adopt func(upgrade.Connection, net.Conn), given, release func(),
) {
	p.mu.Lock()
	p.open = append(p.open, host)
	p.mu.Unlock()
	p.wait.Go(func() {
		defer release()
		host.Follow(adopt, given)
		p.mu.Lock()
		p.open = slices.DeleteFunc(p.open, func(other *upgrade.Predecessor) bool { return other == host })
		p.mu.Unlock()
		host.Unfollow()
	})
}

// leave lets another host follow them.
func (p *predecessors) leave() {
	for _, host := range p.all() {
		host.Unfollow()
	}
	p.wait.Wait()
}

// end ends them, and returns when they have ended.
func (p *predecessors) end() {
	for _, host := range p.all() {
		host.EndPredecessor()
	}
	p.wait.Wait()
}

// replaced ends their generation of an app.
func (p *predecessors) replaced(app modgw.AppName) {
	for _, host := range p.all() {
		host.Replaced(app)
	}
}

// followPredecessors serves the connections that the replaced hosts pass.
func (h *Host) followPredecessors(s *sockets) error {
	p := h.config.Predecessor
	if err := p.Serving(h.gateway.OwnInherited()); err != nil {
		return err
	}
	adopt := func(c upgrade.Connection, conn net.Conn) { s.adopt(c, conn) }
	for _, host := range append(p.Earlier(), p) {
		h.predecessors.follow(host, adopt, h.gateway.ReadInherited, h.gateway.HoldSharedAwake())
	}
	h.predecessors.release()
	return nil
}
