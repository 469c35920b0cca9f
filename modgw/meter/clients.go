package meter

import "sync"

const (
	// noticedEvery is how many requests with one status pass by one that is noticed.
	noticedEvery = 8

	// remembered is the number of clients that are distinguished at a time.
	remembered = 8

	// fadesAfter is after how many noticed requests older ones count half.
	fadesAfter = 512
)

// Clients finds the client that sends most requests. It remembers a few at a time (an algorithm of
// Misra and Gries), in memory of its own, and looks at some requests alone. A client is an address
// with a user agent, so that a proxy is not one. Its zero value has seen none.
type Clients struct {
	mu    sync.Mutex
	seen  int // requests that were noticed; older ones count half
	slots [remembered]client
}

// client is a client that is remembered.
type client struct {
	count          int // 0: the slot is free
	address, agent text
}

// text is the beginning of a string, in memory of its own.
type text struct {
	bytes [96]byte
	size  uint8
}

func (t *text) set(s string)     { t.size = uint8(copy(t.bytes[:], s)) }
func (t *text) is(s string) bool { return string(t.bytes[:t.size]) == s[:min(len(s), len(t.bytes))] }
func (t *text) String() string   { return string(t.bytes[:t.size]) }

// Client is one that sends many requests.
type Client struct {
	Address string  // address from the front
	Agent   string  // beginning of the User-Agent header; "": there is none
	Share   float64 // part of the requests of late, from 0 to 1
	Alone   bool    // no other client was seen of late
}

// notice looks at a request, unless another one is looked at.
func (c *Clients) notice(address, agent string) {
	if address == "" || !c.mu.TryLock() {
		return
	}
	defer c.mu.Unlock()
	if c.seen++; c.seen >= fadesAfter {
		c.fade()
	}
	var free *client
	for i := range c.slots {
		s := &c.slots[i]
		switch {
		case s.count == 0:
			free = s
		case s.address.is(address) && s.agent.is(agent):
			s.count++
			return
		}
	}
	if free != nil {
		free.count = 1
		free.address.set(address)
		free.agent.set(agent)
		return
	}
	for i := range c.slots {
		c.slots[i].count--
	}
}

// fade halves all counts.
func (c *Clients) fade() {
	c.seen /= 2
	for i := range c.slots {
		c.slots[i].count /= 2
	}
}

// fewest is the number of noticed requests from which on a client is reported.
const fewest = 16

// Most returns the client that has sent most requests of late; false when too few were noticed.
func (c *Clients) Most() (most Client, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen < fewest {
		return Client{}, false
	}
	var found *client
	others := 0
	for i := range c.slots {
		s := &c.slots[i]
		if s.count > 0 {
			others++
		}
		if s.count > 0 && (found == nil || s.count > found.count) {
			found = s
		}
	}
	if found == nil {
		return Client{}, false
	}
	return Client{found.address.String(), found.agent.String(), float64(found.count) / float64(c.seen), others == 1}, true
}
