package wire

import "time"

// Place says where a request is that a worker executes.
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

// MostPlaces is how many requests the payload of a Locate frame names at most.
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
		d.Dict(func(key string) {
			switch key {
			case "request":
				p.Request = d.Text()
			case "milliseconds":
				p.For = time.Duration(min(max(d.Int(), 0), maxMilliseconds)) * time.Millisecond
			case "module":
				p.Module = d.Text()
			case "function":
				p.Function = d.Text()
			case "file":
				p.File = d.Text()
			case "line":
				p.Line = int(d.Int())
			case "blocks":
				p.Blocks = d.Bool()
			case "stack":
				p.Stack = d.Text()
			default:
				d.Skip()
			}
		})
		places = append(places, p)
	}
	return places, d.Finish()
}

// maxMilliseconds is a year, which no request takes.
const maxMilliseconds = 366 * 24 * 60 * 60 * 1000
