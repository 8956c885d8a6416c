package retry

import "maps"

// PassingCodes lets tests compare the codes with the engine's.
func PassingCodes() map[int32]string {
	codes := maps.Clone(passingCodes)
	codes[memoryLimit] = "MEMORY_LIMIT_EXCEEDED"
	return codes
}
