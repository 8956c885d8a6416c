package files

import (
	"bufio"
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/klauspost/compress/zip"
)

// zipped hands out the tables of a zip archive, or of a workbook, which is one.
func (c *content) zipped(p *plan, use func(*table) error) error {
	at, size, err := c.randomly()
	if at == nil {
		return err
	}
	if err != nil {
		return use(c.unusable(p, damage(err)))
	}
	archive, err := zip.NewReader(at, size)
	if err != nil {
		return use(c.unusable(p, fmt.Sprintf("the file begins like a zip archive or an Excel workbook, but its directory cannot be read (%v): it is damaged or was cut off", err)))
	}
	if isWorkbook(archive.File) {
		return c.sheetTables(p, archive.File, use)
	}
	if problem := otherOffice(archive.File); problem != "" {
		return use(c.unusable(p, problem))
	}
	if p.config.Format == formatXLSX && c.plain {
		return use(c.unusable(p, "the file is a zip archive but no Excel workbook (.xlsx)"))
	}
	if slices.Contains(c.found, "zip") {
		return use(c.unusable(p, "archives within archives are not read: unpack it"))
	}
	members := c.chosen(archive.File)
	if len(members) == 0 {
		return use(c.unusable(p, c.noMembers(archive.File)))
	}
	for _, m := range members {
		if err := c.member(p, m, use); err != nil {
			return err
		}
	}
	return nil
}

// chosen returns the members that are asked for, in the order of their names.
func (c *content) chosen(all []*zip.File) []*zip.File {
	var list []*zip.File
	for _, m := range all {
		name := memberName(m)
		if strings.HasSuffix(name, "/") || hiddenMember(name) {
			continue
		}
		if len(c.members) == 0 || slices.ContainsFunc(c.members, func(pattern string) bool { return doublestar.MatchUnvalidated(pattern, name) }) {
			list = append(list, m)
		}
	}
	slices.SortStableFunc(list, func(a, b *zip.File) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

// memberName is a member's name as a path; some programs on Windows write \.
func memberName(m *zip.File) string { return strings.ReplaceAll(m.Name, `\`, "/") }

// hiddenMember tells what macOS and others put beside the data.
func hiddenMember(name string) bool {
	return strings.HasPrefix(name, "__MACOSX/") || strings.HasPrefix(path.Base(name), ".")
}

func (c *content) noMembers(all []*zip.File) string {
	if len(c.members) == 0 {
		return "the archive is empty"
	}
	var names []string
	for _, m := range all {
		if len(names) == 10 {
			names = append(names, "…")
			break
		}
		names = append(names, memberName(m))
	}
	return fmt.Sprintf("no member of the archive fits %s (it has: %s)", strings.Join(c.members, ", "), strings.Join(names, ", "))
}

// member hands out the tables of a member.
func (c *content) member(p *plan, m *zip.File, use func(*table) error) error {
	inner := &content{file: c.file, name: c.name + "/" + memberName(m), found: append(slices.Clone(c.found), "zip")}
	if m.Flags&1 != 0 {
		return use(inner.unusable(p, "the member of the archive is protected by a password: unpack it"))
	}
	in, err := m.Open()
	if err != nil {
		return use(inner.unusable(p, fmt.Sprintf("the member of the archive cannot be unpacked (%v)", err)))
	}
	inner.in = bufio.NewReaderSize(&checked{name: "zip", file: c.file, in: in}, headSize)
	err = eachTable(p, inner, use)
	if closing := in.Close(); err == nil && closing != nil && damage(packedDamage("zip", closing)) == "" {
		err = closing
	}
	return err
}
