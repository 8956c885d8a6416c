// Package sqlfiles embeds the SQL project: seeds, models, checks and metric
// definitions. pipelines/model reads and runs it; README.md explains it to the
// analyst who works on it.
package sqlfiles

import "embed"

// Files is the SQL project, laid out as in the folder that holds this file.
//
//go:embed seeds staging intermediate marts checks *.yml
var Files embed.FS
