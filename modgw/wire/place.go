package wire

import "time"

// Place is the position of a request that a worker executes.
type Place struct {
	Request  string        // its id; "": it is not known which one blocks an event loop
	For      time.Duration // how long it has been executed, or the event loop blocked
	Module   string        // module of the library that the app has called; "": the app's own code
	Function string        // function of that module
	File     string        // the place in the app's own code; "" when there is none
	Line     int           // line of the file
	Blocks   bool          // an event loop does not go on
	Stack    string        // frames of the request whose stack was asked for; "": another request
}

// MostPlaces is the largest number of requests in the payload of a Locate frame.
const MostPlaces = 200

// DecodePlaces reads the payload of a Locate frame from a worker.
func DecodePlaces(payload []byte) (places []Place, err error) {
	d := NewDecoder(string(payload))
	n := d.List()
	if n > MostPlaces {
		return nil, Errorf("%d places of requests, more than %d", n, MostPlaces)
	}
	for range n {
		var p Place
		var milliseconds int
		d.fields(map[string]any{
			"request": &p.Request, "milliseconds": &milliseconds, "module": &p.Module, "function": &p.Function,
			"file": &p.File, "line": &p.Line, "blocks": &p.Blocks, "stack": &p.Stack,
		})
		p.For = time.Duration(min(max(milliseconds, 0), maxMilliseconds)) * time.Millisecond
		places = append(places, p)
	}
	return places, d.Finish()
}

// maxMilliseconds is a year, which no request takes.
const maxMilliseconds = 366 * 24 * 60 * 60 * 1000
