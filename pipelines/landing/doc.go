// Package landing keeps what sources deliver: Parquet part files by source and
// entity, and one manifest for each run and dataset. The manifests are the only
// state there is. A run's files are written aside; renaming its manifest into
// place makes all of them visible at once, and from then on nothing of them is
// ever changed. Files that no manifest names are left from an interrupted run
// and are removed by the next one.
//
//	<root>/<source>/<domain>.<entity>/run=<run>/part-00001.parquet
//	<root>/<source>/_manifests/<run>.<dataset>.json
//	<root>/<source>/_quarantine/run=<run>/<dataset>-00001.parquet
//	<root>/<source>/_failed/<run>.<dataset>.json
//
// The zone is a folder, or lives in an object store, with a folder as its working
// copy (OpenRemote): the same files under the same names, and a manifest that is put
// in place only if there is none of its name instead of the rename.
//
// One process writes to a zone at a time; whoever runs it holds a lock.
package landing
