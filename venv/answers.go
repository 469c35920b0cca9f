package venv

import "sync"

// answers caches answers of programs about themselves, as long as their files do not change. The
// zero value is ready for use.
type answers[T any] struct {
	mu    sync.Mutex
	known map[answerKey]T
}

// answerKey is a program, the state of its file, and who asked: another user may not be allowed to
// run it.
type answerKey struct {
	path, state string
	uid         int
}

func (a *answers[T]) get(key answerKey) (T, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	answer, ok := a.known[key]
	return answer, ok
}

func (a *answers[T]) put(key answerKey, answer T) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.known == nil {
		a.known = make(map[answerKey]T)
	}
	a.known[key] = answer
}
