package main

import (
	"slices"

	"github.com/modgw/modgw/bench/contest"
)

// size says how much is measured.
type size int

const (
	smallest size = iota // that everything works
	usual                // minutes
	full                 // everything
)

// plan are the stages of the comparison.
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

func usualPlan() (stages []stage) {
	fixed := task{work: hello, connections: 64, rate: 1000}
	bodies := slices.Concat(short.with(16), middle.with(16), long.with(8), huge.with(2), file.with(4), upload.with(4))
	for _, front := range []contest.Front{contest.Direct, contest.Apache} {
		add := func(site contest.Site, workers, threads int, tasks ...task) {
			stages = append(stages, stage{contest.Setting{Site: site, Front: front, Workers: workers, Threads: threads}, tasks})
		}
		add(contest.RawWSGI, 1, 1, hello.with(1, 16, 64)...)
		idle := idling(1000)
		if front == contest.Direct {
			idle = idling(100, 1000, 10_000) // Apache keeps fewer
		}
		add(contest.RawWSGI, 1, 8, slices.Concat(hello.with(1, 16, 64), bodies, []task{fixed}, idle)...)
		add(contest.RawWSGI, 2, 8, hello.with(64)...)
		add(contest.Flask, 1, 8, page.with(16)...)
		add(contest.Django, 1, 8, page.with(16)...)
	}
	asgi := contest.Setting{Site: contest.RawASGI, Front: contest.Direct, Workers: 1, Threads: 1}
	return append(stages, stage{asgi, slices.Concat(hello.with(16, 64), long.with(8), upload.with(4), echoes.with(1, 1000), listened.with(200))})
}

// idling are tasks beside connections that do nothing.
func idling(connections ...int) (tasks []task) {
	for _, n := range connections {
		tasks = append(tasks, task{work: hello, connections: 16, idle: n})
	}
	return tasks
}

func fullPlan() (stages []stage) {
	fixed := task{work: hello, connections: 64, rate: 1000}
	idle := idling(1, 10, 100, 1000, 10_000)
	bodies := slices.Concat(short.with(1, 16, 64), middle.with(16), long.with(1, 8), huge.with(1, 4), upload.with(1, 4))
	for _, front := range []contest.Front{contest.Direct, contest.Apache} {
		for _, workers := range []int{1, 2} {
			for _, threads := range []int{1, 8} {
				add := func(site contest.Site, tasks ...task) {
					stages = append(stages, stage{contest.Setting{Site: site, Front: front, Workers: workers, Threads: threads}, tasks})
				}
				add(contest.RawWSGI, slices.Concat(hello.with(1, 16, 64, 256), bodies, file.with(1, 8), []task{fixed}, idle)...)
				add(contest.Flask, page.with(1, 16, 64)...)
				add(contest.Django, page.with(1, 16, 64)...)
			}
			asgi := contest.Setting{Site: contest.RawASGI, Front: front, Workers: workers, Threads: 1}
			tasks := slices.Concat(hello.with(1, 16, 64, 256), bodies, []task{fixed}, idle)
			if front == contest.Direct {
				tasks = slices.Concat(tasks, echoes.with(1, 1000), listened.with(200))
			}
			stages = append(stages, stage{asgi, tasks})
		}
	}
	return stages
}
