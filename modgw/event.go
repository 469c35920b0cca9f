package modgw

import "time"

// Event tells what became of an attempt to make a generation.
type Event struct {
	App        AppName
	Generation int           // that is ready, or that is not; 0: none was tried, its descriptor has a mistake
	Cause      string        // why it was made
	Took       time.Duration // until it was ready
	Fault      *Fault        // why it was not started; nil: it is ready
	Serving    int           // the generation that serves from now on; 0: none
	Draining   int           // requests that the generation before it has still to finish
}
