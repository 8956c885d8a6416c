package landing

import (
	"bufio"
	"encoding/binary"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/cespare/xxhash/v2"
)

// Beside the index there is its stamp: which index it belongs to, the manifests that
// the index lacks, and when each folder of the source changed last when both were
// the whole truth and everything was swept. While the folders have those times,
// nothing is listed at all.

const (
	stampName = "_manifests.stamp"
	// stampMagic begins a stamp and names its format and that of the index: one that
	// is of another format is read by nobody, whatever its stamp says.
	stampMagic = "winback stamp 4 of " + indexMagic
	// settling is how long ago a folder has to have changed for its time to tell
	// that it did not change since: clocks of file systems have steps.
	settling = time.Second
)

// writeIndex brings index and stamp of a source up to date, after a sweep. The
// index is written anew if it lacks, or has too much, so many manifests that reading
// them takes time.
func (z *Zone) writeIndex(source string) error {
	c, err := z.catalog(source)
	if err != nil || c.clean != nil {
		return err
	}
	if len(c.extras)+c.invalid >= max(z.indexFrom, (c.indexed+len(c.extras))/64) {
		if err := z.writeRecords(z.dir(source, indexName), indexMagic, nil, c); err != nil {
			return err
		}
		z.forget(source)
		if c, err = z.catalog(source); err != nil {
			return err
		}
	}
	if c.index == nil || c.invalid > 0 {
		return nil
	}
	head, err := z.stampOf(source, c)
	if err != nil || head == nil {
		return err
	}
	err = z.writeRecords(z.dir(source, stampName), stampMagic, head, &catalog{extras: c.extras})
	z.forget(source)
	return err
}

// forget has the manifests of a source looked at anew.
func (z *Zone) forget(source string) {
	z.catalogsMu.Lock()
	defer z.catalogsMu.Unlock()
	delete(z.catalogs, source)
}

// writeRecords writes a file of the magic, a head if there is one, and the manifests
// of a catalog.
func (z *Zone) writeRecords(path, magic string, head []byte, c *catalog) error {
	return z.writeFile(path, func(to io.Writer) error {
		out := bufio.NewWriterSize(to, 256<<10)
		out.WriteString(magic) //nolint:errcheck // kept until Flush
		if head != nil {
			writeRecord(out, head)
		}
		for b, err := range c.all() {
			if err != nil {
				return err
			}
			writeRecord(out, b.record)
		}
		return out.Flush()
	})
}

func writeRecord(out *bufio.Writer, record []byte) {
	out.Write(binary.AppendUvarint(nil, uint64(len(record))))              //nolint:errcheck // kept until Flush
	out.Write(binary.LittleEndian.AppendUint64(nil, xxhash.Sum64(record))) //nolint:errcheck // kept until Flush
	out.Write(record)                                                      //nolint:errcheck // kept until Flush
}

// stampOf returns the head of a stamp, or nil if it cannot be told yet whether the
// source has stopped changing.
func (z *Zone) stampOf(source string, c *catalog) ([]byte, error) {
	folders, err := z.folders(source)
	if err != nil {
		return nil, err
	}
	if folders[manifestDir] != c.changed.UnixNano() {
		return nil, nil
	}
	info, err := c.index.Stat()
	if err != nil {
		return nil, storageError("read", c.index.Name(), err)
	}
	var p packer
	p.number(int64(signature(info.Size(), info.ModTime().UnixNano())))
	p.number(int64(c.indexed))
	p.number(int64(len(c.extras)))
	p.number(int64(len(folders)))
	for name, changed := range folders {
		if time.Since(time.Unix(0, changed)) < settling {
			return nil, nil
		}
		p.text(name)
		p.number(changed)
	}
	c.pack(&p)
	return p, nil
}

// folders returns the folders of a source and when a name in each changed last.
func (z *Zone) folders(source string) (map[string]int64, error) {
	folders := map[string]int64{}
	err := eachName(z.dir(source), func(e fs.DirEntry) error {
		info, err := e.Info()
		if err == nil && e.IsDir() {
			folders[e.Name()] = info.ModTime().UnixNano()
		}
		return err
	})
	return folders, err
}

// readStamp returns what a stamp says of the manifests of a source, whose folder
// changed then, or nil if there is no stamp for what is there now.
func (z *Zone) readStamp(source string, then time.Time, index *os.File) *catalog {
	if index == nil {
		return nil
	}
	info, err := index.Stat()
	if err != nil {
		return nil
	}
	file, err := os.Open(filepath.Join(z.dir(source), stampName))
	if err != nil {
		return nil
	}
	defer file.Close()
	in := openRecords(file, stampMagic)
	if in == nil {
		return nil
	}
	head, err := in.next()
	if err != nil {
		return nil
	}
	u := unpacker{left: head}
	belongs := uint64(u.number()) == signature(info.Size(), info.ModTime().UnixNano())
	c := &catalog{dir: z.dir(source, manifestDir), index: index, indexed: int(u.number()), clean: map[string]int64{}}
	extras := u.number()
	for n := u.number(); n > 0 && !u.broken; n-- {
		c.clean[u.text()] = u.number()
	}
	c.gist = unpackGist(&u)
	if u.broken || !belongs || c.clean[manifestDir] != then.UnixNano() {
		return nil
	}
	for range extras {
		record, err := in.next()
		b := &Brief{}
		if err != nil || b.unpack(slices.Clone(record)) != nil {
			return nil
		}
		c.extras = append(c.extras, b)
	}
	return c
}
