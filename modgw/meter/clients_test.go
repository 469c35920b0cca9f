package meter

import (
	"fmt"
	"strings"
	"testing"
)

// countOf counts requests of a client.
func (a *App) countOf(n int, address, agent string) {
	for range n {
		a.Count(&Request{Status: 200, Address: address, Agent: agent})
	}
}

func TestClientThatSendsMostRequestsIsFoundAmongMany(t *testing.T) {
	var a App
	if _, ok := a.Clients.Most(); ok {
		t.Error("nothing was seen")
	}
	for i := range 100 {
		// Three of four requests are the crawler's, whichever requests are sampled.
		a.countOf(3*noticedEvery, "192.0.2.7", "Bot/1.0")
		a.countOf(noticedEvery, fmt.Sprintf("198.51.100.%d", i%250), "Browser")
	}
	most, ok := a.Clients.Most()
	if !ok || most.Address != "192.0.2.7" || most.Agent != "Bot/1.0" || most.Alone || most.Share < 0.6 || most.Share > 0.9 {
		t.Errorf("%+v %v", most, ok)
	}
	a.countOf(20*fadesAfter*noticedEvery, "203.0.113.1", strings.Repeat("x", 500))
	most, _ = a.Clients.Most()
	if most.Address != "203.0.113.1" || len(most.Agent) != len(text{}.bytes) || most.Share < 0.9 {
		t.Errorf("later: %+v", most)
	}
}

func TestClientsOfManyAddressesAreNoOne(t *testing.T) {
	var a App
	for i := range 5000 {
		a.countOf(noticedEvery, fmt.Sprintf("10.0.%d.%d", i/250, i%250), "Browser")
	}
	if most, _ := a.Clients.Most(); most.Share > 0.2 {
		t.Errorf("%+v", most)
	}
}

func TestNoticingClientsTakesNoMemory(t *testing.T) {
	var a App
	i := 0
	address := []string{"10.0.0.1", "10.0.0.2", "10.0.0.3"}
	if n := testing.AllocsPerRun(1000, func() {
		i++
		a.Count(&Request{Status: 200, Address: address[i%3], Agent: "Browser", Client: 2 * SlowClient})
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if a.Slow.Load() == 0 || a.SlowFor.Load() == 0 {
		t.Error("slow clients are not counted")
	}
}
