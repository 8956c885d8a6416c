package asterisk

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/zstd"

	"winback/connectors"
	"winback/connectors/spec"
)

// logFile is one file of a log, known by its first line.
type logFile struct {
	path string
	head string
	from place // where to read on
	// about orders the files of a log: the time of its first line.
	about time.Time

	size    int64
	changed time.Time
}

// logFeed reads the files of a log one after another.
type logFeed struct {
	files []logFile
	parse func(line string) (p *piece)

	open  io.ReadCloser
	lines *bufio.Reader
	at    place // of the next line
	// marks are places with the time of their lines, one for every minute or so.
	marks []timedPlace
	ends  map[string]place     // where each file ended
	lasts map[string]time.Time // of the last line of each
}

type timedPlace struct {
	place
	at time.Time
}

// longestLine is more than Asterisk writes.
const longestLine = 1 << 20

// openLog finds the files of a log. done are the places where earlier extractions
// ended, by file.
func openLog(patterns []spec.Path, done []place, parse func(line string) *piece) (*logFeed, error) {
	f := &logFeed{parse: parse, ends: map[string]place{}, lasts: map[string]time.Time{}}
	at := map[string]place{}
	for _, p := range done {
		at[p.File] = p
	}
	seen := map[string]bool{}
	for _, pattern := range patterns {
		paths, err := filepath.Glob(string(pattern))
		if err != nil {
			return nil, fmt.Errorf("find %s: %w", pattern, err)
		}
		for _, path := range paths {
			file, err := look(path, parse)
			if err != nil {
				return nil, err
			}
			if file == nil || seen[file.head] {
				continue // empty, or the same file by another name
			}
			seen[file.head] = true
			f.add(*file, at[file.head])
		}
	}
	if len(f.files)+len(f.ends) == 0 {
		return nil, fmt.Errorf("%w: no file fits %s", connectors.ErrNoInput, list(patterns))
	}
	slices.SortStableFunc(f.files, func(a, b logFile) int { return cmp.Or(a.about.Compare(b.about), cmp.Compare(a.path, b.path)) })
	return f, nil
}

// add takes a file into the log, to be read on from a place. One that has not
// changed, and of which nothing is to be read again, stays closed.
func (f *logFeed) add(file logFile, from place) {
	unchanged := from.Size == file.size && from.Changed.Equal(file.changed) && from.Offset == from.End && from.End > 0
	from.File, from.name, from.Size, from.Changed = file.head, file.path, file.size, file.changed
	if unchanged {
		f.ends[file.head] = from
		return
	}
	file.from = from
	f.files = append(f.files, file)
}

// fresh looks for a whole line behind what was read.
func (f *logFeed) fresh(context.Context) (bool, error) {
	for _, file := range f.files {
		found, err := lineBehind(file.path, file.from.End)
		if found || err != nil {
			return found, err
		}
	}
	return false, nil
}

func lineBehind(path string, offset int64) (bool, error) {
	r, err := openFile(path)
	if err != nil {
		return false, err
	}
	defer r.Close()
	skipped, err := io.CopyN(io.Discard, r, offset)
	if skipped < offset && errors.Is(err, io.EOF) {
		return true, nil // it is shorter than it was: another one
	}
	if err == nil {
		_, err = bufio.NewReader(r).ReadString('\n')
	}
	if errors.Is(err, io.EOF) {
		return false, nil
	}
	return err == nil, err
}

func list(patterns []spec.Path) string {
	texts := make([]string, len(patterns))
	for i, p := range patterns {
		texts[i] = string(p)
	}
	return strings.Join(texts, ", ")
}

// look reads the first line of a file; nil for one that has none yet.
func look(path string, parse func(string) *piece) (*logFile, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("look at a log: %w", err)
	}
	r, err := openFile(path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	line, err := bufio.NewReaderSize(r, 64<<10).ReadString('\n')
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	file := &logFile{path: path, head: fmt.Sprintf("%016x", xxhash.Sum64String(line)), size: info.Size(), changed: info.ModTime().UTC()}
	if p := parse(strings.TrimRight(line, "\r\n")); p != nil {
		file.about = p.at
	}
	return file, nil
}

// openFile opens a file, unpacked.
func openFile(path string) (io.ReadCloser, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open a log: %w", err)
	}
	var r io.ReadCloser
	switch {
	case strings.HasSuffix(path, ".gz"):
		r, err = gzip.NewReader(file)
	case strings.HasSuffix(path, ".zst"):
		r, err = openZstd(file)
	default:
		return file, nil
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("unpack %s: %w", path, err), file.Close())
	}
	return &unpacked{r, file}, nil
}

// unpacked is a file that is read through what unpacks it. Both are closed: a decoder of
// zstd has goroutines and memory of its own.
type unpacked struct {
	io.ReadCloser
	file *os.File
}

func (u *unpacked) Close() error { return errors.Join(u.ReadCloser.Close(), u.file.Close()) }

func openZstd(file io.Reader) (io.ReadCloser, error) {
	decoder, err := zstd.NewReader(file, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	return decoder.IOReadCloser(), nil
}

func (f *logFeed) close() {
	if f.open != nil {
		_ = f.open.Close()
		f.open = nil
	}
}

// next reads lines until one is a piece.
func (f *logFeed) next(ctx context.Context) (*piece, error) {
	for {
		if f.lines == nil {
			if len(f.files) == 0 {
				return nil, nil
			}
			if err := f.begin(f.files[0]); err != nil {
				return nil, err
			}
		}
		line, err := f.lines.ReadString('\n')
		switch {
		case errors.Is(err, io.EOF): // the rest of a line is still being written
			f.ends[f.at.File] = f.at
			f.close()
			f.lines, f.files = nil, f.files[1:]
			continue
		case err != nil:
			return nil, fmt.Errorf("read %s: %w", f.at.name, err)
		case ctx.Err() != nil:
			return nil, ctx.Err()
		}
		here := f.at
		f.at.Offset += int64(len(line))
		f.at.Line++
		text := strings.TrimRight(line, "\r\n")
		if text == "" {
			continue
		}
		p := f.parse(strings.ToValidUTF8(text, "\uFFFD"))
		p.text, p.place = text, here
		p.place.Line++ // lines are counted from 1
		p.again = here.Offset < f.at.End
		f.noteMark(here, p)
		return p, nil
	}
}

// begin opens a file where it is to be read on. One that is shorter than it was
// is another file with the same first line, and is read whole.
func (f *logFeed) begin(file logFile) error {
	r, err := openFile(file.path)
	if err != nil {
		return err
	}
	skipped, err := io.CopyN(io.Discard, r, file.from.Offset)
	if err != nil && !errors.Is(err, io.EOF) {
		return errors.Join(fmt.Errorf("read %s: %w", file.path, err), r.Close())
	}
	if skipped < file.from.Offset {
		if err := r.Close(); err != nil {
			return err
		}
		if r, err = openFile(file.path); err != nil {
			return err
		}
		file.from = place{File: file.head, name: file.path, Size: file.size, Changed: file.changed}
	}
	f.open, f.lines, f.at = r, bufio.NewReaderSize(r, longestLine), file.from
	f.ends[file.head] = file.from
	return nil
}

// noteMark keeps places a minute apart.
func (f *logFeed) noteMark(here place, p *piece) {
	if p.at.IsZero() {
		return
	}
	if n := len(f.marks); n == 0 || f.marks[n-1].File != here.File || p.at.Sub(f.marks[n-1].at) >= time.Minute {
		f.marks = append(f.marks, timedPlace{here, p.at})
	}
	f.ends[here.File], f.lasts[here.File] = f.at, p.at
}

// mark is where each file is to be read on so that everything from a time on comes
// again. Files that were not opened stay where they were.
func (f *logFeed) mark(_ context.Context, from, _ time.Time) ([]place, error) {
	places := map[string]place{}
	for file, end := range f.ends {
		places[file] = end
	}
	for _, file := range f.files {
		if _, opened := places[file.head]; !opened {
			places[file.head] = file.from
		}
	}
	marked := map[string]bool{}
	for _, m := range f.marks {
		if !marked[m.File] || m.at.Before(from) {
			marked[m.File], places[m.File] = true, m.place
		}
	}
	for file, end := range f.ends {
		if last, read := f.lasts[file]; read && last.Before(from) {
			places[file] = end // nothing of it is wanted again
		}
	}
	list := make([]place, 0, len(places))
	for file, p := range places {
		p.End = max(f.ends[file].Offset, p.End)
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b place) int { return cmp.Compare(a.File, b.File) })
	return list, nil
}
