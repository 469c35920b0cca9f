package main

import "slices"

// all returns the attacks in the order in which they are tried.
func all() []*attack {
	return slices.Concat(ofPython(), ofGo(), ofCGI(), ofUsers(), ofDescriptors(), ofBuilds())
}
