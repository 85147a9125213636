// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"cmp"
	"context"
	"errors"
	"io"
	"maps"
	"sync"

	"go.uber.org/zap"
)

// parallelSyncs is how many files one round asks the disk for at a time.
const parallelSyncs = 16

// syncer brings to disk what was written, in rounds. A round covers all that was
// written before it began; whoever calls while one is under way waits for the
// next, together with all others who do.
type syncer struct {
	spool   *Spool
	workers sync.WaitGroup // the goroutine that runs rounds

	mu      sync.Mutex // guards all below
	dirty   map[*segment]*lane
	dirs    map[string]struct{}
	current *round // under way
	next    *round // somebody waits for it
	closed  bool
}

type round struct {
	done chan struct{} // closed at its end
	err  error         // valid then
}

// touch notes that a segment was written to. The lane's mutex is held.
func (y *syncer) touch(l *lane, g *segment) {
	if !y.spool.options.Fsync {
		return
	}
	y.mu.Lock()
	defer y.mu.Unlock()
	y.dirty[g] = l
}

// touchDir notes that a name was made in a directory.
func (y *syncer) touchDir(path string) {
	if !y.spool.options.Fsync {
		return
	}
	y.mu.Lock()
	defer y.mu.Unlock()
	y.dirs[path] = struct{}{}
}

func (y *syncer) sync(ctx context.Context) error {
	if !y.spool.options.Fsync {
		return ctx.Err()
	}
	y.mu.Lock()
	if y.closed {
		y.mu.Unlock()
		return ErrClosed
	}
	r := y.current
	if len(y.dirty)+len(y.dirs) > 0 {
		if y.next == nil {
			y.next = &round{done: make(chan struct{})}
			if y.current == nil {
				y.current = y.next // so that no second goroutine begins
				y.workers.Go(y.run)
			}
		}
		r = y.next
	}
	y.mu.Unlock()
	if r == nil {
		return nil
	}
	select {
	case <-r.done:
		return r.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// close waits for the round that is under way.
func (y *syncer) close() {
	y.mu.Lock()
	y.closed = true
	y.mu.Unlock()
	y.workers.Wait()
}

// run does rounds while there are waiters.
func (y *syncer) run() {
	for {
		y.mu.Lock()
		y.current, y.next = y.next, nil
		r := y.current
		if r == nil {
			y.mu.Unlock()
			return
		}
		dirty, dirs := y.dirty, y.dirs
		y.dirty, y.dirs = map[*segment]*lane{}, map[string]struct{}{}
		y.mu.Unlock()

		r.err = y.flush(dirty, dirs)
		close(r.done)
	}
}

// flush waits for the disk. What failed is dirty again.
func (y *syncer) flush(dirty map[*segment]*lane, dirs map[string]struct{}) error {
	var (
		group  sync.WaitGroup
		slots  = make(chan struct{}, parallelSyncs)
		mu     sync.Mutex // guards the three below
		failed error
	)
	again, dirsAgain := map[*segment]*lane{}, map[string]struct{}{}
	do := func(work func() error, keep func()) {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			if err := work(); err != nil {
				mu.Lock()
				defer mu.Unlock()
				failed = cmp.Or(failed, err)
				keep()
			}
		})
	}
	for g, l := range dirty {
		do(func() error { return l.flush(g) }, func() { again[g] = l })
	}
	for path := range dirs {
		do(func() error { return y.spool.disk.syncDir(path) }, func() { dirsAgain[path] = struct{}{} })
	}
	group.Wait()
	if failed == nil {
		return nil
	}
	y.mu.Lock()
	defer y.mu.Unlock()
	maps.Copy(y.dirty, again)
	maps.Copy(y.dirs, dirsAgain)
	return y.spool.errorf("bring to disk", failed)
}

// flush brings one segment to disk. The lane's mutex is held only before and
// after: appending goes on meanwhile.
func (l *lane) flush(g *segment) error {
	l.mu.Lock()
	f, size, skip, suspect := g.f, g.size, g.removed || g.f == nil, g.suspect
	l.mu.Unlock()
	if skip {
		return nil
	}
	var err error
	if suspect {
		err = l.heal(g)
	} else {
		err = f.Sync()
	}

	l.mu.Lock()
	defer l.mu.Unlock()
	if g.removed {
		return nil // nothing in it counts any more
	}
	if err != nil {
		g.suspect = true
		if !g.sealed { // what comes now must not share its fate
			g.sealed = true
			l.spool.bytes.Add(-footerBytes)
		}
		return err
	}
	if g.sealed && g.size == size && g.f == f {
		err = g.f.Close()
		g.f = nil
	}
	return err
}

// heal writes a segment anew. After an fsync that failed, the system holds its
// pages for clean whatever became of them: another fsync would prove nothing.
func (l *lane) heal(g *segment) (err error) {
	l.mu.Lock()
	old, size, path := g.f, g.size, g.path // final: it is sealed
	l.mu.Unlock()
	temporary := path + ".tmp"
	f, err := l.spool.disk.edit(temporary)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close())
			_ = l.spool.disk.remove(temporary)
		}
	}()
	if _, err = io.Copy(io.NewOffsetWriter(f, 0), io.NewSectionReader(old, 0, size)); err != nil {
		return err
	}
	footer := frameHeader{flags: flagFooter, position: g.end() - 1}
	if _, err = f.WriteAt(footer.appendTo(nil), size); err != nil {
		return err
	}
	if err = f.Truncate(size + footerBytes); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if g.removed {
		_ = f.Close()
		return l.spool.disk.remove(temporary)
	}
	if err = l.spool.disk.rename(temporary, path); err != nil {
		return err
	}
	if err = l.spool.disk.syncDir(l.dir); err != nil {
		return err
	}
	_ = old.Close()
	_ = f.Close() // it is on disk
	g.f, g.suspect = nil, false
	g.size += footerBytes
	l.spool.bytes.Add(footerBytes)
	l.spool.log.Info("Wrote a file anew that the disk had failed to keep", zap.String("file", path))
	return nil
}
