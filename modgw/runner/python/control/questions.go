package control

import (
	"context"
	"slices"
	"sync"

	"github.com/modgw/modgw/modgw/wire"
)

// mostQuestions is how many answers may be to come. The questions always have room on the
// connection.
const mostQuestions = 32

// questions are the unanswered questions to a worker. Its zero value has none.
type questions struct {
	mu      sync.Mutex
	pending []*Question // the answers of a type come in this order
}

// Question is a question to a worker.
type Question struct {
	kind     wire.Type
	text     string
	answered chan struct{}
	places   []wire.Place
}

// Answered returns a channel that closes when the answer is there. It stays open when the
// interpreter of the worker is stuck.
func (q *Question) Answered() <-chan struct{} { return q.answered }

// Places returns the answer to [Worker.Locate], after Answered has closed.
func (q *Question) Places() []wire.Place { return q.places }

// Locate asks the worker where the requests are that it executes, and for the stack of one of them,
// as [modgw.Locator] has it.
func (w *Worker) Locate(stack string) *Question { return w.ask(wire.Locate, stack) }

// Collect implements [workers.Collector].
func (w *Worker) Collect(ctx context.Context) {
	select {
	case <-w.ask(wire.Collect, "").Answered():
	case <-w.ended:
	case <-ctx.Done():
	}
}

// ask asks the worker. Those who ask the same before it has answered share the answer. None comes
// when too many are to come already.
func (w *Worker) ask(kind wire.Type, text string) *Question {
	qs := &w.questions
	qs.mu.Lock()
	defer qs.mu.Unlock()
	for _, pending := range qs.pending {
		if pending.kind == kind && pending.text == text {
			return pending
		}
	}
	asked := &Question{kind: kind, text: text, answered: make(chan struct{})}
	if len(qs.pending) < mostQuestions {
		qs.pending = append(qs.pending, asked)
		w.Send(kind, []byte(text))
	}
	return asked
}

// noteAnswerTo passes an answer on to those who have asked first.
func (w *Worker) noteAnswerTo(kind wire.Type, places []wire.Place) error {
	qs := &w.questions
	qs.mu.Lock()
	defer qs.mu.Unlock()
	i := slices.IndexFunc(qs.pending, func(q *Question) bool { return q.kind == kind })
	if i < 0 {
		return wire.Errorf("an answer in a %s frame, which it was not asked for", kind)
	}
	answered := qs.pending[i]
	qs.pending = slices.Delete(qs.pending, i, i+1)
	answered.places = places
	close(answered.answered)
	return nil
}
