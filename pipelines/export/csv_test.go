package export

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCSVWritesEveryTypeAsPeopleReadIt(t *testing.T) {
	path, result := write(t, "all.csv", everyType)
	names, values, _ := strings.Cut(content(t, path), "\r\n")
	if !strings.HasPrefix(names, "i8,u64,i128,") || result.Rows != 1 || result.Bytes != int64(len(content(t, path))) {
		t.Errorf("names %s, %+v", names, result)
	}
	want := strings.Join([]string{
		"-1", "18446744073709551615", "-170141183460469231731687303715884105728",
		"0.1", "1e+300", "NaN", "true",
		`"Zoë ""the"" boss"`, "ab", "lc", "open",
		"2024-02-29", "1950-01-02",
		"2024-07-01T12:00:00+01:00", "2024-07-01T12:00:00.5Z",
		"-0.05", "1234567.89", "12345678901234567890.1234",
		"-99999999999999999999999999999999999999999999.5",
		"61f0c404-5cb3-11e7-907b-a6006ad3dba0", "10.0.0.1", "::1",
		`"a, b"`, `"1.5, 2"`, "", `"[[1],[2,3]]"`,
		"shop: 7", `"(1,'x')"`, "", "",
		"lc",
	}, ",") + "\r\n"
	if diff := cmp.Diff(strings.Split(want, ","), strings.Split(values, ",")); diff != "" {
		t.Error(diff)
	}
}

func TestCSVOptions(t *testing.T) {
	const sql = `select 'a;b' as text, '=1+1' as formula, cast(null as Nullable(String)) as empty`
	cases := []struct {
		name    string
		options CSVOptions
		want    string
	}{
		{"plain", CSVOptions{}, "text,formula,empty\r\na;b,'=1+1,\r\n"},
		{"for Excel", CSVOptions{Delimiter: ';', BOM: true}, "\ufefftext;formula;empty\r\n\"a;b\";'=1+1;\r\n"},
		{"tabs", CSVOptions{Delimiter: '\t'}, "text\tformula\tempty\r\na;b\t'=1+1\t\r\n"},
		{"for programs", CSVOptions{KeepFormulas: true}, "text,formula,empty\r\na;b,=1+1,\r\n"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			path, _ := write(t, "o.csv", sql, func(target *Target) { target.CSV = c.options })
			if diff := cmp.Diff(c.want, content(t, path)); diff != "" {
				t.Error(diff)
			}
		})
	}
	for _, bad := range []rune{'"', '\n', '5', '-', '.', '\ufffd'} {
		if err := (CSVOptions{Delimiter: bad}).Validate(); err == nil {
			t.Errorf("%q passes as a delimiter", bad)
		}
	}
}

// A line with nothing in it would be no row for most readers.
func TestCSVOfOneEmptyColumn(t *testing.T) {
	path, result := write(t, "one.csv", "select arrayJoin(['', 'x', '']) as only")
	if got, want := content(t, path), "only\r\n\"\"\r\nx\r\n\"\"\r\n"; got != want || result.Rows != 3 {
		t.Errorf("%q, %d rows", got, result.Rows)
	}
}

func TestTextsThatWouldRunAsFormulas(t *testing.T) {
	for text, dangerous := range map[string]bool{
		"=1+1": true, "@SUM(A1)": true, "+cmd|'/c calc'!A0": true, "-2+3+cmd|' /C calc'!A0": true, "\t=1": true, "\r=1": true, "＝1": true, "+A1": true,
		"": false, "text": false, "a=b": false, "-": false, "-5": false, "-1.50": false, "+44 (20) 7946-0000": false, "1=1": false, " =1": false,
	} {
		if isFormula([]byte(text)) != dangerous {
			t.Errorf("%q: dangerous is %v, not %v", text, !dangerous, dangerous)
		}
	}
	path, result := write(t, "f.csv", `select arrayJoin(['=1+1', '+37250302096', '-x', 'calm']) as text, -5 as number, ['=a', 'b'] as list`)
	want := "text,number,list\r\n'=1+1,-5,\"'=a, b\"\r\n+37250302096,-5,\"'=a, b\"\r\n'-x,-5,\"'=a, b\"\r\ncalm,-5,\"'=a, b\"\r\n"
	if diff := cmp.Diff(want, content(t, path)); diff != "" {
		t.Error(diff)
	}
	if note := strings.Join(result.Notes, "; "); !strings.HasPrefix(note, "6 texts that begin like a formula") {
		t.Errorf("it says %q", note)
	}
}

func TestCSVMakesTextsUTF8(t *testing.T) {
	path, _ := write(t, "u.csv", `select unhex('61ff62') as text`)
	if got, want := content(t, path), "text\r\na\ufffdb\r\n"; got != want {
		t.Errorf("%q", got)
	}
}
