package landing

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/cespare/xxhash/v2"
)

// Entry names a file of the zone and says what it must be.
type Entry struct {
	Path     string // relative to the zone's root
	Bytes    int64
	Checksum string
}

// LostError says that a file that a manifest names is not there.
type LostError struct{ Path string }

func (e *LostError) Error() string {
	return fmt.Sprintf("landing file %s is missing: restore it from a backup, or delete its manifest to extract that run's data again", e.Path)
}

// Look says whether the file is there with the size it must have, without reading
// it. Errors: *LostError, *DamagedError, *StorageError.
func (z *Zone) Look(e Entry) error {
	if z.remote != nil {
		return z.lookRemote(e)
	}
	file, err := z.openEntry(e)
	if err != nil {
		return err
	}
	return file.Close()
}

// OpenVerified opens a file for reading from its begin to its end. Where the end
// comes and the file was not what was written, Read returns a *DamagedError
// instead of io.EOF. Other errors are those of Look.
func (z *Zone) OpenVerified(e Entry) (io.ReadCloser, error) {
	file, err := z.openEntry(e)
	if err != nil {
		return nil, err
	}
	return &verified{ReadCloser: file, entry: e, path: z.Path(e.Path), hash: xxhash.New()}, nil
}

func (z *Zone) openEntry(e Entry) (*os.File, error) {
	file, err := z.OpenFile(File{Path: e.Path, Bytes: e.Bytes})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &LostError{Path: z.Path(e.Path)}
	}
	if err != nil {
		return nil, err
	}
	return file, nil
}

// verified compares what is read with a checksum.
type verified struct {
	io.ReadCloser
	entry Entry
	path  string
	hash  *xxhash.Digest
}

// Read reads the file and judges it where it ends.
func (v *verified) Read(into []byte) (int, error) {
	n, err := v.ReadCloser.Read(into)
	v.hash.Write(into[:n]) //nolint:errcheck // never fails
	if errors.Is(err, io.EOF) {
		if sum := checksumText(v.hash.Sum64()); sum != v.entry.Checksum {
			return n, &DamagedError{Path: v.path, Reason: fmt.Sprintf("its checksum is %s, its manifest says %s", sum, v.entry.Checksum)}
		}
	}
	return n, err
}
