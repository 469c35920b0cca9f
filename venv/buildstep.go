package venv

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/modgw/modgw/internal/atomicfile"
	"github.com/modgw/modgw/internal/files"
	"github.com/modgw/modgw/modgw"
)

// buildStep is the command of a descriptor's build block.
type buildStep struct {
	plan    *plan
	env     *modgw.Environment
	environ []string // environment of the app
	key     string   // hash of everything that affects the command's output
}

// runStep runs the command of the build block if its inputs have changed since it last succeeded.
// Its output is in the app's root, so only the last run counts.
func (b *Builder) runStep(ctx context.Context, p *plan, env *modgw.Environment) error {
	if p.descriptor.Build == nil {
		return nil
	}
	s, err := newStep(p, env)
	if err != nil {
		return err
	}
	stamp := filepath.Join(b.steps, string(p.descriptor.Name)+".done")
	if stampOf(stamp) == s.key {
		return nil
	}
	if err := hostFolder(b.steps); err != nil {
		return p.cannotWrite(err)
	}
	lock, err := acquire(ctx, filepath.Join(b.steps, string(p.descriptor.Name)+".lock"), func() { p.say("waiting for another build") })
	if err != nil {
		return p.cannotWrite(err)
	}
	defer release(lock)
	if stampOf(stamp) == s.key {
		return nil
	}
	// A run that fails halfway may have changed anything.
	if err := ignoreMissing(os.Remove(stamp)); err != nil {
		return p.cannotWrite(err)
	}
	ctx, end, err := b.takeTurn(ctx, p)
	if err != nil {
		return err
	}
	defer end()
	started := time.Now()
	if err := s.run(ctx, lock, b); err != nil {
		return err
	}
	again, err := newStep(p, env)
	if err != nil {
		return err
	}
	if again.key != s.key {
		return errInputsChanged
	}
	if err := atomicfile.Write(stamp, []byte(s.key+"\n"), 0o644); err != nil {
		return p.cannotWrite(err)
	}
	b.log.Info("command of the build block ended", "app", p.descriptor.Name, "command", p.mask(strings.Join(p.descriptor.Build.Command, " ")),
		"took", time.Since(started).Round(time.Millisecond))
	return nil
}

func stampOf(path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return "" // it never ran
	}
	return strings.TrimSpace(string(data))
}

func newStep(p *plan, env *modgw.Environment) (*buildStep, error) {
	d := p.descriptor
	s := &buildStep{plan: p, env: env, environ: d.ProcessEnv(env, p.account.HomeDir())}
	s.environ = append(s.environ, settingsOf(d.BuildEnv)...)
	read, err := p.stepInputs()
	if err != nil {
		return nil, &modgw.Fault{
			Code:    "MGW-ENV-028",
			Summary: fmt.Sprintf("cannot read what the build command of app %q is run for", d.Name),
			Err:     err,
			Hint:    "the app's user must be able to read the files that build.inputs names",
		}
	}
	h := sha256.New()
	feed(h, formatVersion, d.Root, fmt.Sprint(uidOf(p.account)))
	feed(h, d.Build.Command...)
	feed(h, s.environ...)
	feed(h, read...)
	s.key = hex.EncodeToString(h.Sum(nil))[:hashLength]
	return s, nil
}

// stepInputs are the files that the build block's globs name, each followed by a hash of its
// content.
func (p *plan) stepInputs() (list []string, err error) {
	files, err := p.stepFiles()
	if err != nil {
		return nil, err
	}
	err = p.account.Do(func() error {
		left := int64(maxTreeSize)
		for _, file := range files {
			sum, size, err := digestFile(filepath.Join(p.descriptor.Root, file), left)
			if ignoreMissing(err) != nil {
				return err
			}
			left -= size
			list = append(list, file, sum)
		}
		return nil
	})
	return list, err
}

// stepFiles are the files that the build block's globs name, relative to the app's root.
func (p *plan) stepFiles() (files []string, err error) {
	root := os.DirFS(p.descriptor.Root)
	err = p.account.Do(func() error {
		for _, pattern := range p.descriptor.Build.Inputs {
			if rel, err := filepath.Rel(p.descriptor.Root, pattern); err == nil && filepath.IsAbs(pattern) {
				pattern = rel
			}
			err := doublestar.GlobWalk(root, pattern, func(path string, e fs.DirEntry) error {
				if files = append(files, path); len(files) > maxTreeFiles {
					return fmt.Errorf("there are more than %d files", maxTreeFiles)
				}
				return nil
			}, doublestar.WithFilesOnly(), doublestar.WithNoFollow())
			if err != nil {
				return fmt.Errorf("cannot look for %q: %w", pattern, err)
			}
		}
		return nil
	})
	slices.Sort(files)
	return slices.Compact(files), err
}

// run runs the command as the app would run it, with a cache for npm that the app's user can write
// to.
func (s *buildStep) run(ctx context.Context, lock *os.File, b *Builder) error {
	d := s.plan.descriptor
	program, ok := lookProgram(d.Build.Command[0], d.Root, s.environ, s.plan.account)
	if !ok {
		return &modgw.Fault{
			Code:    "MGW-ENV-029",
			Summary: fmt.Sprintf("cannot run the build command of app %q: there is no %q", d.Name, d.Build.Command[0]),
			Hint:    "it is neither in the app's environment nor in " + safePath + "; give its path, or install it",
		}
	}
	cache, err := s.plan.cache(b)
	if err != nil {
		return s.plan.cannotWrite(err)
	}
	s.plan.say("running %s", strings.Join(d.Build.Command, " "))
	printed := lines{each: s.plan.sayOutput, mask: s.plan.mask}
	p := process{
		args: append([]string{program}, d.Build.Command[1:]...), dir: d.Root, account: s.plan.account, limits: s.plan.limits(), lock: lock,
		log: b.log.With("app", d.Name),
		env: append(slices.Concat(s.environ, buildVariables(d)), "npm_config_cache="+filepath.Join(cache, "npm"), "NO_COLOR=1"),
	}
	if p.rules = s.plan.confine(program, p.env, cache, s.env.Dir); p.rules != nil {
		temporary := filepath.Join(cache, "tmp")
		if err := s.plan.account.Do(func() error { return files.MakeFolder(temporary, 0o700) }); err != nil {
			return s.plan.cannotWrite(err)
		}
		p.env = append(p.env, "TMPDIR="+temporary)
	}
	err = p.run(ctx, &printed)
	if err == nil || ctx.Err() != nil {
		return err
	}
	output := printed.tail()
	switch {
	case isDiskFull(err):
		return s.plan.diskFull(err, output)
	case isOutOfMemory(output):
		return s.plan.outOfMemory(err, output)
	}
	fault := &modgw.Fault{
		Code:    "MGW-ENV-029",
		Summary: fmt.Sprintf("cannot run the build command of app %q", d.Name),
		Output:  output,
		Err:     exitText(d.Build.Command[0], err),
		Hint:    "run it by hand: modgw-host exec " + string(d.Name) + " -- " + strings.Join(d.Build.Command, " "),
	}
	if errors.Is(err, fs.ErrPermission) {
		fault.Hint = "the app's user must be able to run it"
	}
	return fault
}
