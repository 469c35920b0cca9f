package python

import (
	"github.com/modgw/modgw/modgw/runner/python/wsgi"
	"github.com/modgw/modgw/modgw/spool"
	"github.com/modgw/modgw/modgw/wire"
)

// maxBodyMemory is the largest memory for kept bodies that workers can address, in bytes.
const maxBodyMemory = 1<<32 - 1<<20

// shareBodies creates the memory in which the host keeps request bodies for all workers. Without it
// they go to the workers in pieces. It is not created if no loop reads what idle workers return.
func (r *Runner) shareBodies() {
	size := min(r.app.Spool.Memory(), maxBodyMemory)
	_, threads := r.server.(*wsgi.Server)
	if !threads || size == 0 || r.app.Descriptor.Spool.Upload == 0 || r.Loop() == nil {
		return
	}
	file, err := wire.NewSharedMemory(int(size))
	if err == nil {
		r.app.Bodies, err = spool.NewArea(file)
	}
	if err != nil {
		r.app.Log.Debug("kept bodies are not shared", "reason", err)
	}
}
