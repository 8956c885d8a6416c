package main

import (
	"archive/zip"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// exitCodeCommand runs a program that must end with a certain code:
//
//	exitcode 3 winback run
//
// Its outputs are what stdout, stderr and cmp look at.
func exitCodeCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exitcode CODE PROGRAM [ARGUMENT…]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	err = ts.Exec(args[1], args[2:]...)
	if failed := (*exec.ExitError)(nil); errors.As(err, &failed) {
		got = failed.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, not %d", got, want)
	}
}

// jsonCommand looks into a JSON text: the value at a path is as given.
//
//	json stdout load.rows 4
//	json stdout datasets.0.entities.0.entity shop.orders
//	json stdout problems '[]'
func jsonCommand(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: json FILE PATH VALUE")
	}
	var value any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &value))
	for key := range strings.SplitSeq(args[1], ".") {
		switch inside := value.(type) {
		case map[string]any:
			if _, ok := inside[key]; !ok {
				ts.Fatalf("%s: there is no key %q", args[1], key)
			}
			value = inside[key]
		case []any:
			at, err := strconv.Atoi(key)
			if err != nil || at >= len(inside) {
				ts.Fatalf("%s: there is no item %q of %d", args[1], key, len(inside))
			}
			value = inside[at]
		default:
			ts.Fatalf("%s: nothing is below %v", args[1], value)
		}
	}
	got, ok := value.(string)
	if !ok {
		text, err := json.Marshal(value)
		ts.Check(err)
		got = string(text)
	}
	if (got == args[2]) == neg {
		ts.Fatalf("%s is %s", args[1], got)
	}
}

// gzipCommand packs a file: gzip FROM TO.
func gzipCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: gzip FROM TO")
	}
	out, err := os.Create(ts.MkAbs(args[1]))
	ts.Check(err)
	packed := gzip.NewWriter(out)
	_, err = packed.Write([]byte(ts.ReadFile(args[0])))
	ts.Check(errors.Join(err, packed.Close(), out.Close()))
}

// zipCommand puts files into an archive: zip ARCHIVE FILE…
func zipCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: zip ARCHIVE FILE…")
	}
	out, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	archive := zip.NewWriter(out)
	for _, name := range args[1:] {
		member, err := archive.Create(name)
		ts.Check(err)
		_, err = member.Write([]byte(ts.ReadFile(name)))
		ts.Check(err)
	}
	ts.Check(errors.Join(archive.Close(), out.Close()))
}

// truncateCommand cuts bytes off the end of a file: truncate FILE BYTES.
func truncateCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: truncate FILE BYTES")
	}
	off, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	if off > info.Size() {
		ts.Fatalf("%s", fmt.Sprint(args[0], " has only ", info.Size(), " bytes"))
	}
	ts.Check(os.Truncate(ts.MkAbs(args[0]), info.Size()-off))
}
