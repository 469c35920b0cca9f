package main

import (
	"slices"

	"github.com/modgw/modgw/bench/contest"
)

// size is the extent of the measurements.
type size int

const (
	smallest size = iota // checks only that everything works
	usual                // minutes
	full                 // everything
)

// plan returns the stages of the comparison.
func plan(s size) []stage {
	switch s {
	case smallest:
		return []stage{
			{contest.Setting{Site: contest.RawWSGI, Front: contest.Direct, Workers: 1, Threads: 1}, hello.with(2)},
			{contest.Setting{Site: contest.RawWSGI, Front: contest.Apache, Workers: 1, Threads: 1}, hello.with(2)},
		}
	case usual:
		return usualPlan()
	}
	return fullPlan()
}

// usualPlan returns the tasks that the verdicts and the plots need.
func usualPlan() (stages []stage) {
	for _, front := range []contest.Front{contest.Direct, contest.Apache} {
		add := func(site contest.Site, workers, threads int, tasks ...[]task) {
			s := contest.Setting{Site: site, Front: front, Workers: workers, Threads: threads}
			stages = append(stages, stage{s, slices.Concat(tasks...)})
		}
		single := slices.Concat(aside(hello.with(1)...), hello.with(64), deciding(hello.with(16)...))
		bodies := deciding(slices.Concat(long.with(8), huge.with(2), upload.with(4))...)
		several := slices.Concat(
			deciding(hello.with(16, 64)...), aside(short.with(16)...), aside(middle.with(16)...), bodies,
			aside(file.with(4)...),
		)
		if front == contest.Direct {
			single = append(single, hello.paced(1000, 5000)...)
			several = slices.Concat(several, hello.paced(1000, 5000), idling(100, 1000, 10_000), besideSlow(brief))
		} else { // Apache keeps fewer connections open
			several = slices.Concat(several, aside(hello.paced(1000)...), idling(1000))
		}
		add(contest.RawWSGI, 1, 1, single)
		add(contest.RawWSGI, 1, 8, several)
		add(contest.RawWSGI, 2, 8, aside(hello.with(64)...))
		for _, site := range []contest.Site{contest.Flask, contest.Django} {
			add(site, 1, 1, deciding(page.with(16)...))
			add(site, 1, 8, deciding(page.with(16)...))
		}
		if front == contest.Direct {
			add(contest.RawASGI, 1, 1,
				deciding(hello.with(16, 64)...), bodies, echoes.with(1, 1000), aside(listened.with(200)...))
		} else {
			add(contest.RawASGI, 1, 1, bodies)
		}
	}
	return stages
}

// idling returns tasks with the given numbers of additional idle connections.
func idling(connections ...int) (tasks []task) {
	for _, n := range connections {
		tasks = append(tasks, task{work: hello, connections: 16, idle: n})
	}
	return tasks
}

// besideSlow returns two tasks: a work alone, and the same work next to slow requests that occupy
// half of eight threads.
func besideSlow(w work) []task {
	return []task{{work: w, connections: 12, decides: true}, {work: w, connections: 12, slow: 4}}
}

// fullPlan returns every work, each with the settings that its outcome depends on: hello with all
// numbers of workers, threads and connections; bodies, which depend on the network, with one
// worker; pages, which depend on the app, with one number of connections; idle connections with one
// worker and eight threads.
func fullPlan() (stages []stage) {
	fixed := hello.paced(1000, 5000)
	bodies := slices.Concat(short.with(16), middle.with(16), deciding(long.with(1, 8)...), deciding(huge.with(2)...), deciding(upload.with(1, 4)...))
	for _, front := range []contest.Front{contest.Direct, contest.Apache} {
		for _, workers := range []int{1, 2} {
			hellos := slices.Concat(hello.with(1), deciding(hello.with(16, 64)...), hello.with(256))
			if workers > 1 {
				hellos = hello.with(1, 16, 64, 256)
			}
			for _, threads := range []int{1, 8} {
				add := func(site contest.Site, tasks ...task) {
					stages = append(stages, stage{contest.Setting{Site: site, Front: front, Workers: workers, Threads: threads}, tasks})
				}
				raw := slices.Concat(hellos, fixed)
				if workers == 1 {
					raw = slices.Concat(raw, bodies, file.with(4))
				}
				if workers == 1 && threads == 8 {
					raw = slices.Concat(raw, idling(1, 10, 100, 1000), besideSlow(brief))
				}
				if workers == 1 && threads == 8 && front == contest.Direct {
					raw = slices.Concat(raw, idling(10_000))
				}
				add(contest.RawWSGI, raw...)
				add(contest.Flask, page.with(16)...)
				add(contest.Django, page.with(16)...)
			}
			asgi := contest.Setting{Site: contest.RawASGI, Front: front, Workers: workers, Threads: 1}
			tasks := slices.Concat(hellos, fixed)
			if workers == 1 {
				tasks = slices.Concat(tasks, bodies)
			}
			if front == contest.Direct {
				tasks = slices.Concat(tasks, echoes.with(1, 1000), listened.with(200))
			}
			stages = append(stages, stage{asgi, tasks})
		}
	}
	return stages
}
