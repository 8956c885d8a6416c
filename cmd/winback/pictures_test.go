package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"winback/dashboards/report/reporttest"
)

// pictures are the pages that the README shows, of the demo company.
var pictures = []string{"executive", "why-they-leave", "winback-campaigns"}

// The README shows pictures of the demo company's pages; -update takes them anew.
func TestReferencePictures(t *testing.T) {
	folder := filepath.Join("..", "..", "dashboards", "pictures")
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		takePictures(t, folder)
	}
	for _, name := range pictures {
		info, err := os.Stat(filepath.Join(folder, name+".png"))
		if err != nil || info.Size() > 450<<10 {
			t.Errorf("the picture of %s: %v, %v; make docs takes it", name, info, err)
		}
		if !strings.Contains(string(readme), "](dashboards/pictures/"+name+".png)") {
			t.Errorf("the README does not show %s", name)
		}
	}
}

func takePictures(t *testing.T, folder string) {
	browser := reporttest.Start(t)
	company := filepath.Join(t.TempDir(), "demo")
	winback(t, exitDone, "demo", "--dir", company)
	for _, name := range pictures {
		picture := browser.Picture(t, filepath.Join(company, "report.html"), name)
		if err := os.WriteFile(filepath.Join(folder, name+".png"), picture, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
