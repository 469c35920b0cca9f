package host

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/modgw/modgw/modgw"
)

// keepNow writes descriptors as run does.
func keepNow(t *testing.T, state string, all ...modgw.Descriptor) *lastGood {
	t.Helper()
	g := newLastGood(state, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		g.run(ctx)
	}()
	for _, d := range all {
		g.store(d)
	}
	cancel()
	<-ended
	return g
}

func TestLastGoodDescriptorIsReadAsItWasWritten(t *testing.T) {
	state := t.TempDir()
	d := modgw.Descriptor{
		Name: "blog", File: "/srv/blog.hcl", Mount: "/", Kind: modgw.KindWSGI, WSGI: &modgw.WSGI{Entry: "a:b", Threads: 3},
		Env: map[string]string{"KEY": "secret"}, Secrets: []string{"secret"}, Owner: "bob", User: "bob",
		Timeouts: modgw.Timeouts{Request: time.Minute}, Queue: modgw.Queue{Max: 100},
	}
	g := keepNow(t, state, d)
	read, ok, err := g.read("blog")
	if err != nil || !ok || !reflect.DeepEqual(read, d) {
		t.Errorf("read %+v, %v, %v", read, ok, err)
	}
	file := filepath.Join(state, "descriptors", "blog.json")
	for name, want := range map[string]os.FileMode{file: 0o600, filepath.Dir(file): 0o700} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	if _, ok, err := g.read("shop"); ok || err != nil {
		t.Errorf("an app of which nothing is kept: %v, %v", ok, err)
	}
	g.removeUnserved(map[modgw.AppName]bool{"blog": true})
	keepNow(t, state) // there is nothing to write
	if _, ok, _ := g.read("blog"); !ok {
		t.Error("an app that is served was forgotten")
	}
}

func TestLastGoodDescriptorThatCannotBeTrustedIsNotUsed(t *testing.T) {
	state := t.TempDir()
	g := keepNow(t, state, modgw.Descriptor{Name: "blog", Mount: "/"})
	file := filepath.Join(state, "descriptors", "blog.json")
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for what, text := range map[string]string{
		"empty":                "",
		"cut off":              string(good[:len(good)/2]),
		"of another version":   strings.Replace(string(good), descriptorShape(), "0123456789abcdef", 1),
		"of another app":       strings.Replace(string(good), `"Name":"blog"`, `"Name":"shop"`, 1),
		"what is not a record": "[]",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, ok, err := g.read("blog"); ok || err == nil {
			t.Errorf("a file that is %s was used", what)
		}
	}
}
