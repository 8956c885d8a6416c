package files

import (
	"os"
	"path/filepath"
	"testing"
)

func TestOpenForWriting(t *testing.T) {
	dir := t.TempDir()
	id := func(name string, flag int) fileID {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
		if flag >= 0 {
			file, err := os.OpenFile(path, flag, 0)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = file.Close() })
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return fileIDOf(info)
	}
	written, appended, read, closed := id("written", os.O_RDWR), id("appended", os.O_APPEND|os.O_WRONLY), id("read", os.O_RDONLY), id("closed", -1)
	open := openForWriting()
	if !open[written] || !open[appended] || open[read] || open[closed] {
		t.Errorf("written %t, appended %t, read %t, closed %t", open[written], open[appended], open[read], open[closed])
	}
}
