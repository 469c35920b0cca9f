package modgw

import (
	"context"
	"time"
)

// Locator is a runner whose workers can report the positions of the requests that they execute.
type Locator interface {
	// Locate asks the workers, and returns their answers when all have answered, or ctx is done. It
	// takes their time, and is for unhealthy apps. Workers whose interpreter is stuck do not
	// answer; silent has their numbers. stack is the ID of a request whose stack is wanted; "":
	// none.
	Locate(ctx context.Context, stack string) (found []Location, silent []int)
}

// Location is the position of a request that a worker executes.
type Location struct {
	Worker int // number of the worker
	// its ID, as in the log; "": it is not known which one blocks an event loop
	Request  string
	For      time.Duration // how long it has been executed, or the event loop blocked
	Module   string        // module of the library that the app has called; "": the app's own code
	Function string        // function of that module
	File     string        // the place in the app's own code; "" when there is none
	Line     int           // line of the file
	Blocks   bool          // an event loop does not go on

	// Stack has the frames of the request whose stack was asked for, as Python shows them, or those
	// that block the event loop that it is in; "": it is another request.
	Stack string
}

// Locate asks the workers of an app for the positions of its requests, like [Locator]. It returns
// nothing if the app's runner is no Locator.
func (g *Gateway) Locate(ctx context.Context, name AppName) (found []Location, silent []int) {
	app, err := g.app(name)
	if err != nil {
		return nil, nil
	}
	generation := app.current.Load()
	if generation == nil {
		return nil, nil
	}
	locator, ok := generation.runner.(Locator)
	if !ok || !generation.countIn() {
		return nil, nil
	}
	defer generation.countOut()
	return locator.Locate(ctx, "")
}
