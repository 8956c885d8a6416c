package spec

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// Suggest gives the known name nearest to a misspelt one, or "" when none is near: at most a third of its letters may
// differ, case apart. Two neighbours that changed places count as one.
func Suggest(got string, known []string) string {
	best, bestDistance := "", len([]rune(got))/3+1
	for _, name := range slices.Sorted(slices.Values(known)) {
		distance := distance(strings.ToLower(got), strings.ToLower(name))
		if distance < bestDistance {
			best, bestDistance = name, distance
		}
	}
	return best
}

// distance is how many letters have to be put in, left out, replaced or, once, swapped with their neighbour.
func distance(got, name string) int {
	least := levenshtein.ComputeDistance(got, name)
	letters := []rune(got)
	for i := 1; i < len(letters) && least > 1; i++ {
		letters[i-1], letters[i] = letters[i], letters[i-1]
		least = min(least, 1+levenshtein.ComputeDistance(string(letters), name))
		letters[i-1], letters[i] = letters[i], letters[i-1]
	}
	return least
}

// Hint is what to add to a message about an unknown name: ` (did you mean "x"?)`, else the names there are when they
// fit on a line, else nothing.
func Hint(got string, known []string) string {
	if near := Suggest(got, known); near != "" {
		return fmt.Sprintf(" (did you mean %q?)", near)
	}
	if len(known) == 0 || len(known) > 16 {
		return ""
	}
	return fmt.Sprintf(" (one of: %s)", strings.Join(known, ", "))
}
