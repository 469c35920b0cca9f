package scaling

import (
	"math"

	"github.com/modgw/modgw/modgw"
)

// Machine holds the resources that the machine has for all apps together.
type Machine struct {
	Processors float64 // processors that apps may use; never 0
	Busy       float64 // processors that all programs of the machine use
	Available  int64   // available memory in bytes
	Reserve    int64   // part of Available, in bytes, that is not for more workers

	// Stalled is the share of the last seconds in which some program waited for memory (PSI); 0 if
	// the kernel does not measure it.
	Stalled float64
}

const (
	// stalledMuch is the value of Machine.Stalled from which on no app gets more workers.
	stalledMuch = 0.1

	// busyMuch is the share of the processors in use from which on another worker does not help
	// an app that has its share of them.
	busyMuch = 0.9
)

// Decision is a decision about the number of workers of an app.
type Decision struct {
	Workers int    // number of them
	Held    string // obstacle to more, as in [modgw.ScaleStatus]
}

// Decide returns the numbers of workers that apps should have, in the order of apps. If the machine
// does not have enough resources, they are divided evenly: an app gets as much as it needs, or an
// even share of the rest.
func Decide(m Machine, apps []Figures) []Decision {
	all := make([]Decision, len(apps))
	growing := false
	for i, f := range apps {
		all[i] = wish(f)
		growing = growing || all[i].Workers > f.Wanted
	}
	if !growing && !m.isShort() {
		return all
	}
	holdByProcessors(m, apps, all)
	holdByMemory(m, apps, all)
	releaseMemory(m, apps, all)
	return all
}

// isShort reports whether the machine needs memory back.
func (m Machine) isShort() bool { return m.Stalled >= 2*stalledMuch && m.Available < m.Reserve }

// wish returns the decision for an app that has the machine to itself.
func wish(f Figures) Decision {
	need := max(f.Peak, 1)
	d := Decision{Workers: f.Scale.Clamp(need)}
	if need > f.Scale.Max {
		d.Held = modgw.HeldByMax
	}
	if f.MemoryLimit > 0 && f.Memory > 0 {
		fitting := f.Scale.Clamp(int(min(f.MemoryLimit/f.Memory, modgw.MostWorkers)))
		if d.Workers > f.Wanted && d.Workers > fitting {
			d = Decision{max(fitting, min(f.Wanted, d.Workers)), modgw.HeldByLimit}
		}
	}
	return d
}

// holdByProcessors keeps apps that have their share of the processors from growing when all
// processors are busy.
func holdByProcessors(m Machine, apps []Figures, all []Decision) {
	if m.Busy < busyMuch*m.Processors {
		return
	}
	used := make([]float64, len(apps))
	for i, f := range apps {
		used[i] = f.CPU
		if all[i].Workers > f.Wanted {
			used[i] = m.Processors // the most that it can use
		}
	}
	for i, share := range divide(m.Processors, used) {
		if all[i].Workers > apps[i].Wanted && apps[i].CPU >= busyMuch*share {
			all[i] = Decision{apps[i].Wanted, modgw.HeldByProcessors}
		}
	}
}

// holdByMemory divides the available memory among the apps that grow.
func holdByMemory(m Machine, apps []Figures, all []Decision) {
	left := float64(m.Available - m.Reserve)
	asked := make([]float64, len(apps))
	for i, f := range apps {
		asked[i] = float64(max(0, all[i].Workers-f.Wanted)) * float64(f.Memory)
		// Starting workers will soon use theirs.
		left -= float64(max(0, f.Wanted-f.Ready)) * float64(f.Memory)
	}
	if m.Stalled >= stalledMuch {
		left = 0
	}
	shares := divide(max(0, left), asked)
	for i, f := range apps {
		more := all[i].Workers - f.Wanted
		if more <= 0 || f.Memory == 0 && m.Stalled < stalledMuch {
			continue
		}
		fitting := 0
		if f.Memory > 0 {
			fitting = int(shares[i] / float64(f.Memory))
		}
		if fitting < more {
			all[i] = Decision{f.Wanted + fitting, modgw.HeldByMemory}
		}
	}
}

// releaseMemory takes a worker from the app that uses the most memory, if that app has more than
// its share and more than its minimum of workers: when the machine is short of memory, or when an
// app with less than its share needs more.
func releaseMemory(m Machine, apps []Figures, all []Decision) {
	total, most := 0.0, -1
	for i, f := range apps {
		total += f.footprint()
		larger := most < 0 || f.footprint() > apps[most].footprint()
		if all[i].Workers > f.Scale.Min && larger {
			most = i
		}
	}
	share := total / float64(len(apps))
	needed := m.isShort()
	for i, f := range apps {
		needed = needed || all[i].Held == modgw.HeldByMemory && f.footprint() < share
	}
	if !needed || most < 0 || apps[most].footprint() < share {
		return
	}
	fewer := min(all[most].Workers, apps[most].Wanted-1)
	all[most] = Decision{max(fewer, apps[most].Scale.Min), modgw.HeldByMemory}
}

// footprint returns the memory that the app's workers have, or will soon have.
func (f Figures) footprint() float64 { return float64(f.Wanted) * float64(f.Memory) }

// divide divides an amount according to the parts asked for. A part up to an even share is granted
// in full; the others get even shares of the rest.
func divide(amount float64, asked []float64) []float64 {
	got := make([]float64, len(asked))
	open := make([]int, 0, len(asked))
	for i, a := range asked {
		if a > 0 {
			open = append(open, i)
		}
	}
	for len(open) > 0 {
		share := amount / float64(len(open))
		var modest, others []int
		for _, i := range open {
			if asked[i] <= share {
				modest = append(modest, i)
			} else {
				others = append(others, i)
			}
		}
		if len(modest) == 0 {
			for _, i := range open {
				got[i] = share
			}
			break
		}
		for _, i := range modest {
			got[i] = asked[i]
			amount = math.Max(0, amount-asked[i])
		}
		open = others
	}
	return got
}
