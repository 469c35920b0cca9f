package modgw

import "time"

// Event is the outcome of a deploy.
type Event struct {
	App        AppName       // app of the deploy
	Generation int           // its number; 0: none was tried, the descriptor has a mistake
	Cause      string        // why it was made
	Took       time.Duration // until it was ready
	Fault      *Fault        // why it was not started; nil: it is ready
	Serving    int           // the generation that serves from now on; 0: none
	Draining   int           // requests that the generation before it has still to finish
}
