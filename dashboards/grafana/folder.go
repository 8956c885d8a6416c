package grafana

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"
)

// pulledFile notes which edits of Grafana are in the files of a folder.
const pulledFile = ".pulled"

// ReadFolder reads the dashboards of a folder, <uid>.json each, and which edits of
// Grafana are in them. A folder that is not there has none.
func ReadFolder(dir string) (boards []Board, pulled map[string]string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("read the dashboards of %s: %w", dir, err)
	}
	for _, entry := range entries {
		if entry.IsDir() || !strings.HasSuffix(entry.Name(), ".json") {
			continue
		}
		path := filepath.Join(dir, entry.Name())
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, nil, fmt.Errorf("read a dashboard: %w", err)
		}
		b, err := ParseBoard(text)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", path, err)
		}
		if b.UID+".json" != entry.Name() {
			return nil, nil, fmt.Errorf("%s: holds the dashboard %s; the file's name is its uid", path, b.UID)
		}
		boards = append(boards, b)
	}
	text, err := os.ReadFile(filepath.Join(dir, pulledFile))
	if errors.Is(err, fs.ErrNotExist) {
		return boards, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read what was pulled: %w", err)
	}
	if err := json.Unmarshal(text, &pulled); err != nil {
		return nil, nil, fmt.Errorf("%s: %w; remove it, and pull again", filepath.Join(dir, pulledFile), err)
	}
	return boards, pulled, nil
}

// Pull writes what was edited or made in Grafana into the files of a folder, and
// notes that it did. It returns the files it wrote.
func Pull(dir string, all []*Comparison) ([]string, error) {
	_, pulled, err := ReadFolder(dir)
	if err != nil {
		return nil, err
	}
	if pulled == nil {
		pulled = map[string]string{}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make a folder for dashboards: %w", err)
	}
	var written []string
	for _, c := range all {
		if c.Standing != Edited && c.Standing != Extra || strings.ContainsAny(c.UID, `/\`) {
			continue
		}
		path := filepath.Join(dir, c.UID+".json")
		pulled[c.UID] = c.havePrint
		if have, err := os.ReadFile(path); err == nil && bytes.Equal(have, c.Text) {
			continue
		}
		if err := renameio.WriteFile(path, c.Text, 0o644); err != nil {
			return written, fmt.Errorf("write %s: %w", path, err)
		}
		written = append(written, path)
	}
	if len(pulled) == 0 {
		return written, nil
	}
	text, err := json.MarshalIndent(pulled, "", "  ")
	if err != nil {
		return written, fmt.Errorf("write what was pulled: %w", err)
	}
	if err := renameio.WriteFile(filepath.Join(dir, pulledFile), append(text, '\n'), 0o644); err != nil {
		return written, fmt.Errorf("write what was pulled: %w", err)
	}
	return written, nil
}
