package engine_test

import (
	"testing"

	"winback/pipelines/engine/enginetest"
)

func TestMain(m *testing.M) { enginetest.Main(m) }
