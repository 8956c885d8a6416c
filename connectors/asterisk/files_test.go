package asterisk

import (
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// TestOpenFile_LeavesNothingBehind: a packed log that was looked at leaves no decoder at work.
func TestOpenFile_LeavesNothingBehind(t *testing.T) {
	path := filepath.Join(t.TempDir(), "queue_log.1.zst")
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, encoder.EncodeAll([]byte("1|NONE|NONE|NONE|QUEUESTART|\n"), nil), 0o644); err != nil {
		t.Fatal(err)
	}
	look := func() {
		file, err := openFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(file); err != nil || len(text) == 0 {
			t.Errorf("read %q, %v", text, err)
		}
		if err := file.Close(); err != nil {
			t.Error(err)
		}
	}
	look()
	before := runtime.NumGoroutine()
	for range 20 {
		look()
	}
	if now := runtime.NumGoroutine(); now > before+2 {
		t.Errorf("%d goroutines before, %d after", before, now)
	}
}
