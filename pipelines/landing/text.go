package landing

import (
	"fmt"
	"strconv"
)

func intText(n int64) string { return strconv.FormatInt(n, 10) }

// checksumText writes a checksum as manifests hold it.
func checksumText(sum uint64) string { return fmt.Sprintf("xxh64:%016x", sum) }
