package zygote

import (
	"slices"

	"github.com/modgw/modgw/modgw/wire"
)

// Report lists the modules that a worker has loaded. A worker sends it in an Event frame on its
// control connection if it was told to.
type Report struct {
	// Files are the files of modules that belong neither to the environment nor to Python, as named
	// by the worker.
	Files []string

	raw     []byte // the payload; templates get it as it is, for they run with the same rights
	names   string // the environment's modules, one per line
	refusal string // why workers of this app must not be forked; "": they may be
}

// DecodeReport decodes the payload of an Event frame. An error is a [*wire.ProtocolError].
func DecodeReport(payload []byte) (m Report, err error) {
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
				m.Files = append(m.Files, d.Text())
			}
		default:
			d.Skip()
		}
	})
	return m, d.Finish()
}

// answer is a template's answer to any request. Fields that do not belong to the request are zero.
type answer struct {
	exclude map[string]string // to prepare: modules that must not be loaded before the app, and why
	loaded  int               // to prepare: the number of modules that were loaded
	pid     int               // to fork and reap: the worker's; 0: the request failed
	status  int               // to reap: the wait status, as of waitpid(2)
	failed  string            // why the request failed; "": it did not
	unfit   string            // to fork: why the template does not fit any more; "": it does
}

func decodeAnswer(payload []byte) (m answer, err error) {
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

// prepareRequest asks a template to load the modules of a report without the excluded ones.
func prepareRequest(a App, report []byte, excluded []string) func(b []byte) []byte {
	path := append(slices.Clone(a.Descriptor.Python.Path), a.Environment.SearchPath...)
	return func(b []byte) []byte {
		b = wire.AppendText(wire.AppendText(wire.BeginDict(b), "task"), "prepare")
		b = wire.AppendText(wire.AppendText(b, "entry"), a.Descriptor.Entry())
		b = appendTexts(wire.AppendText(b, "path"), path)
		b = wire.AppendBytes(wire.AppendText(b, "report"), report)
		b = appendTexts(wire.AppendText(b, "exclude"), excluded)
		return wire.EndDict(b)
	}
}

// forkRequest asks a template for a worker with so many descriptors, which travel with it.
func forkRequest(w Worker, descriptors int) func(b []byte) []byte {
	return func(b []byte) []byte {
		b = wire.AppendText(wire.AppendText(wire.BeginDict(b), "task"), "fork")
		b = wire.AppendInt(wire.AppendText(b, "descriptors"), int64(descriptors))
		b = wire.AppendText(wire.AppendText(b, "root"), w.Dir)
		b = appendTexts(wire.AppendText(b, "options"), w.Options)
		b = appendTexts(wire.AppendText(b, "arguments"), w.Arguments)
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
