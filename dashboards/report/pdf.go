package report

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// BrowserVariable is the environment variable that names the browser for PDFs.
const BrowserVariable = "WINBACK_BROWSER"

// browsers are the names under which Chromium and its kin are installed.
var browsers = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge"}

// NoBrowserError says that nothing here can make a PDF, and what could.
type NoBrowserError struct{}

func (*NoBrowserError) Error() string {
	return "a PDF needs Chromium or Chrome, and none was found"
}

// Hint names the ways out.
func (*NoBrowserError) Hint() string {
	return "install one (apt-get install chromium), name it in " + BrowserVariable + ", or write --out report.html and print it from any browser"
}

// pdfTime is how long the browser may take: the page waits for nothing.
const pdfTime = 2 * time.Minute

// PDF prints a page into a file with headless Chromium. Error: a *NoBrowserError
// where there is none.
func PDF(ctx context.Context, page []byte, file string, getenv func(string) string) (err error) {
	browser, err := findBrowser(getenv)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "winback-pdf-")
	if err != nil {
		return fmt.Errorf("make a folder to print in: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	html, pdf := filepath.Join(dir, "report.html"), filepath.Join(dir, "report.pdf")
	if err := os.WriteFile(html, page, 0o600); err != nil {
		return fmt.Errorf("write the page to print: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, pdfTime)
	defer cancel()
	args := []string{"--headless", "--disable-gpu", "--no-pdf-header-footer", "--disable-extensions", "--user-data-dir=" + filepath.Join(dir, "profile"), "--print-to-pdf=" + pdf, "file://" + html}
	if os.Geteuid() == 0 {
		args = append([]string{"--no-sandbox"}, args...) // Chromium's own refuses to run as root; the page is ours and runs no script
	}
	cmd := exec.CommandContext(ctx, browser, args...)
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("print with %s: %w: %.300s", browser, err, said.String())
	}
	return moveWhole(pdf, file)
}

// moveWhole puts the PDF in its place at once: nobody sees half of it.
func moveWhole(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return fmt.Errorf("read the printed page: %w", err)
	}
	beside := to + ".part"
	if err := os.WriteFile(beside, text, 0o644); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", to, err), os.RemoveAll(beside))
	}
	if err := os.Rename(beside, to); err != nil {
		return fmt.Errorf("write %s: %w", to, err)
	}
	return nil
}

func findBrowser(getenv func(string) string) (string, error) {
	if named := getenv(BrowserVariable); named != "" {
		return named, nil
	}
	for _, name := range browsers {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", &NoBrowserError{}
}
