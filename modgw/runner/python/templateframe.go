package python

import (
	"slices"

	"github.com/modgw/modgw/modgw/wire"
)

// workerReport is what a worker tells of the modules that it has loaded. It comes as an Event on the control connection,
// only from a worker that was asked for it; raw goes to a template as it is, since both run with the same rights.
type workerReport struct {
	raw     []byte
	names   string   // of the environment's modules, one a line
	files   []string // of the other modules
	refusal string   // why its like must not be forked; "" when they may
}

func decodeReport(payload []byte) (m workerReport, err error) {
	m.raw = append([]byte(nil), payload...)
	d := wire.NewDecoder(string(m.raw))
	d.Dict(func(key string) {
		switch key {
		case "names":
			m.names = d.Text()
		case "refusal":
			m.refusal = d.Text()
		case "files":
			for range d.List() {
				if d.Err() != nil {
					return
				}
				m.files = append(m.files, d.Text())
			}
		default:
			d.Skip()
		}
	})
	return m, d.Finish()
}

// templateAnswer is the answer to any request to a template.
type templateAnswer struct {
	exclude map[string]string // to prepare: modules that must not be loaded ahead of the app, and why
	loaded  int               // to prepare: how many others were
	pid     int               // to fork and reap; 0: it failed
	status  int               // to reap: as of waitpid(2)
	failed  string            // why it failed
	unfit   string            // to fork: why the template does not fit any more
}

func decodeAnswer(payload []byte) (m templateAnswer, err error) {
	d := wire.NewDecoder(string(payload))
	d.Dict(func(key string) {
		switch key {
		case "exclude":
			m.exclude = decodeExclusions(d)
		case "loaded":
			m.loaded = int(d.Int())
		case "pid":
			m.pid = int(int32(d.Int()))
		case "status":
			m.status = int(d.Int())
		case "failed":
			m.failed = d.Text()
		case "unfit":
			m.unfit = d.Text()
		default:
			d.Skip()
		}
	})
	return m, d.Finish()
}

func decodeExclusions(d *wire.Decoder) map[string]string {
	found := make(map[string]string)
	for range d.List() {
		if d.Err() != nil {
			break
		}
		d.List()
		name := d.Text()
		found[name] = d.Text()
	}
	return found
}

// prepareRequest asks a template to load modules.
func prepareRequest(r *Runner, report []byte, excluded []string) func(b []byte) []byte {
	return func(b []byte) []byte {
		b = wire.AppendText(wire.AppendText(wire.BeginDict(b), "task"), "prepare")
		b = wire.AppendText(wire.AppendText(b, "entry"), r.config.Descriptor.Entry())
		b = appendTexts(wire.AppendText(b, "path"), append(slices.Clone(r.config.Descriptor.Python.Path), r.config.Environment.SearchPath...))
		b = wire.AppendBytes(wire.AppendText(b, "report"), report)
		b = appendTexts(wire.AppendText(b, "exclude"), excluded)
		return wire.EndDict(b)
	}
}

// forkRequest asks a template for a worker in the folder root. options are those of a worker that is started on its own,
// and arguments its whole command line.
func forkRequest(root string, options, arguments []string) func(b []byte) []byte {
	return func(b []byte) []byte {
		b = wire.AppendText(wire.AppendText(wire.BeginDict(b), "task"), "fork")
		b = wire.AppendText(wire.AppendText(b, "root"), root)
		b = appendTexts(wire.AppendText(b, "options"), options)
		b = appendTexts(wire.AppendText(b, "arguments"), arguments)
		return wire.EndDict(b)
	}
}

// reapRequest asks a template how a worker ended.
func reapRequest(pid int) func(b []byte) []byte {
	return func(b []byte) []byte {
		b = wire.AppendText(wire.AppendText(wire.BeginDict(b), "task"), "reap")
		b = wire.AppendInt(wire.AppendText(b, "pid"), int64(pid))
		return wire.EndDict(b)
	}
}

func appendTexts(b []byte, texts []string) []byte {
	b = wire.AppendList(b, len(texts))
	for _, text := range texts {
		b = wire.AppendText(b, text)
	}
	return b
}
