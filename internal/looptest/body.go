package looptest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/modgw/modgw/modgw"
)

// Body is a [modgw.LoopBody] that counts its releases.
type Body struct {
	Pieces   [][]byte     // none of them is empty
	Released atomic.Int64 // number of times that it was released
	Readers  atomic.Int64 // number of times that a goroutine has continued with it
}

// Respond ends an exchange with the body.
func (b *Body) Respond(x modgw.LoopExchange) {
	length := 0
	for _, piece := range b.Pieces {
		length += len(piece)
	}
	x.Header()["Content-Length"] = []string{fmt.Sprint(length)}
	if !x.Begin(http.StatusOK, length) {
		panic("the front does not send the body")
	}
	x.RespondFrom(b)
}

func (b *Body) all() []byte { return bytes.Join(b.Pieces, nil) }

// AppendPieces implements [modgw.LoopBody].
func (b *Body) AppendPieces(to [][]byte) [][]byte { return append(to, b.Pieces...) }

// Release implements [modgw.LoopBody].
func (b *Body) Release() { b.Released.Add(1) }

// Reader implements [modgw.LoopBody].
func (b *Body) Reader(sent int) io.ReadCloser {
	b.Readers.Add(1)
	return &bodyReader{Reader: bytes.NewReader(b.all()[sent:]), body: b}
}

type bodyReader struct {
	io.Reader
	body *Body
	once sync.Once
}

func (r *bodyReader) Close() error {
	r.once.Do(r.body.Release)
	return nil
}
