package engine

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"github.com/ebitengine/purego"
)

// handle is a pointer that the library gave out. It is opaque here and never
// points into Go's memory, so the garbage collector has nothing to do with it.
type handle uintptr

// binding is the library's C interface as Go functions, named as in C without
// the prefix chdb_. Everything handed in is copied or read by the library
// before the call returns, so callers keep their memory alive for the length of
// a call and no longer; everything it hands out is copied by the methods below
// and then destroyed.
type binding struct {
	version           func() string
	setSignalHandlers func(enabled int32)
	connect           func(argc int32, argv unsafe.Pointer) handle
	closeConn         func(conn handle)
	shutdown          func() int32

	query         func(conn handle, sql unsafe.Pointer, sqlLen uintptr, format unsafe.Pointer, formatLen uintptr, names, nameLens, values, valueLens unsafe.Pointer, n uintptr) handle
	classify      func(conn handle, sql unsafe.Pointer, sqlLen uintptr, db unsafe.Pointer, dbLen uintptr, out unsafe.Pointer) int32
	resultBuffer  func(result handle) unsafe.Pointer
	resultLength  func(result handle) uintptr
	resultError   func(result handle) string
	resultElapsed func(result handle) float64
	resultRows    func(result handle) uint64
	resultBytes   func(result handle) uint64
	rowsRead      func(result handle) uint64
	bytesRead     func(result handle) uint64
	rowsWritten   func(result handle) uint64
	bytesWritten  func(result handle) uint64
	destroyResult func(result handle)
	insertBegin   func(conn handle, sql unsafe.Pointer, sqlLen uintptr, format unsafe.Pointer, formatLen uintptr, names, nameLens, values, valueLens unsafe.Pointer, n uintptr) handle
	insertAppend  func(stream handle, data unsafe.Pointer, n uintptr) int32
	insertDone    func(stream handle) handle
	insertCancel  func(stream handle)
	insertError   func(stream handle) string
	insertDestroy func(stream handle)
	sigaction     func(signal int32, action, old unsafe.Pointer) int32
}

// bind opens the library and looks up what is used of it. The library stays in
// the process for good: it can't be unloaded.
func bind(path string) (*binding, error) {
	lib, err := purego.Dlopen(path, purego.RTLD_LAZY|purego.RTLD_LOCAL)
	if err != nil {
		return nil, err
	}
	b := &binding{}
	functions := []struct {
		name string
		fn   any
	}{
		{"chdb_version", &b.version},
		{"chdb_set_signal_handlers_enabled", &b.setSignalHandlers},
		{"chdb_connect", &b.connect},
		{"chdb_close_conn", &b.closeConn},
		{"chdb_shutdown", &b.shutdown},
		{"chdb_query_with_params_n", &b.query},
		{"chdb_classify_query_n", &b.classify},
		{"chdb_result_buffer", &b.resultBuffer},
		{"chdb_result_length", &b.resultLength},
		{"chdb_result_error", &b.resultError},
		{"chdb_result_elapsed", &b.resultElapsed},
		{"chdb_result_rows_read", &b.resultRows},
		{"chdb_result_bytes_read", &b.resultBytes},
		{"chdb_result_storage_rows_read", &b.rowsRead},
		{"chdb_result_storage_bytes_read", &b.bytesRead},
		{"chdb_result_rows_written", &b.rowsWritten},
		{"chdb_result_bytes_written", &b.bytesWritten},
		{"chdb_destroy_query_result", &b.destroyResult},
		{"chdb_stream_insert_with_params_n", &b.insertBegin},
		{"chdb_stream_append", &b.insertAppend},
		{"chdb_stream_done", &b.insertDone},
		{"chdb_stream_cancel_insert", &b.insertCancel},
		{"chdb_stream_insert_error", &b.insertError},
		{"chdb_destroy_insert_stream", &b.insertDestroy},
	}
	for _, f := range functions {
		address, err := purego.Dlsym(lib, f.name)
		if err != nil {
			return nil, fmt.Errorf("it has no function %s", f.name)
		}
		purego.RegisterFunc(f.fn, address)
	}
	purego.RegisterLibFunc(&b.sigaction, purego.RTLD_DEFAULT, "sigaction")
	return b, nil
}

// setTimeZone makes UTC the zone of times that name none, on every machine, so
// that a warehouse means the same when it is moved. A server has an option for
// it; the library looks at the C environment only, when it is loaded. Go's own
// environment and local time are not touched.
func setTimeZone() error {
	address, err := purego.Dlsym(purego.RTLD_DEFAULT, "setenv")
	if err != nil {
		return err
	}
	var setenv func(name, value string, overwrite int32) int32
	purego.RegisterFunc(&setenv, address)
	if setenv("TZ", "UTC", 1) != 0 {
		return errors.New("the time zone can't be set")
	}
	return nil
}

// params are named values in the layout the library takes: parallel arrays of
// pointers and lengths. The strings live as long as the struct does.
type params struct {
	names, values       []*byte
	nameLens, valueLens []uintptr
	keep                []byte
}

func newParams(values map[string]string) *params {
	p := &params{}
	size := 0
	for name, value := range values {
		size += len(name) + len(value) + 2
	}
	p.keep = make([]byte, 0, size)
	add := func(s string) (*byte, uintptr) {
		start := len(p.keep)
		p.keep = append(append(p.keep, s...), 0)
		return &p.keep[start], uintptr(len(s))
	}
	for name, value := range values {
		n, nl := add(name)
		v, vl := add(value)
		p.names, p.nameLens = append(p.names, n), append(p.nameLens, nl)
		p.values, p.valueLens = append(p.values, v), append(p.valueLens, vl)
	}
	return p
}

// paramFunc is the common shape of the calls that take a statement, a format and
// parameters.
type paramFunc func(conn handle, sql unsafe.Pointer, sqlLen uintptr, format unsafe.Pointer, formatLen uintptr, names, nameLens, values, valueLens unsafe.Pointer, n uintptr) handle

// call runs fn with Go strings. The strings and arrays are kept alive until fn
// returns; the library keeps no pointer to them.
func call(fn paramFunc, conn handle, sql, format string, values map[string]string) handle {
	p := newParams(values)
	s, f := []byte(sql+"\x00"), []byte(format+"\x00")
	h := fn(conn, unsafe.Pointer(&s[0]), uintptr(len(sql)), unsafe.Pointer(&f[0]), uintptr(len(format)),
		first(p.names), first(p.nameLens), first(p.values), first(p.valueLens), uintptr(len(p.names)))
	runtime.KeepAlive(s)
	runtime.KeepAlive(f)
	runtime.KeepAlive(p)
	return h
}

func first[T any](s []T) unsafe.Pointer {
	return unsafe.Pointer(unsafe.SliceData(s))
}

// open starts a connection with the arguments of a command line. It returns 0
// when the library refuses; the reason is then on standard error only.
func (b *binding) open(args []string) handle {
	argv := make([]*byte, len(args)+1)
	for i, arg := range args {
		c := []byte(arg + "\x00")
		argv[i] = &c[0]
	}
	h := b.connect(int32(len(args)), first(argv))
	runtime.KeepAlive(argv)
	return h
}

// result copies what the library returned and destroys it.
func (b *binding) result(h handle) (Result, error) {
	if h == 0 {
		return Result{}, &Error{Code: codeStdException, Text: "the engine returned nothing"}
	}
	defer b.destroyResult(h)
	if text := b.resultError(h); text != "" {
		return Result{}, parseError(text)
	}
	r := Result{
		Seconds: b.resultElapsed(h), ResultRows: b.resultRows(h), ResultBytes: b.resultBytes(h),
		RowsRead: b.rowsRead(h), BytesRead: b.bytesRead(h),
		RowsWritten: b.rowsWritten(h), BytesWritten: b.bytesWritten(h),
	}
	if n := b.resultLength(h); n > 0 {
		r.Data = make([]byte, n)
		copy(r.Data, unsafe.Slice((*byte)(b.resultBuffer(h)), n))
	}
	return r, nil
}

// analysis is chdb_query_analysis_v1.
type analysis struct {
	size, statements, flags, class uint32
}

func (b *binding) analyse(conn handle, sql string) (analysis, bool) {
	a := &analysis{size: uint32(unsafe.Sizeof(analysis{}))}
	s := []byte(sql + "\x00")
	state := b.classify(conn, unsafe.Pointer(&s[0]), uintptr(len(sql)), nil, 0, unsafe.Pointer(a))
	runtime.KeepAlive(s)
	return *a, state == 0
}

// append hands one chunk to an insert. The library copies it.
func (b *binding) append(stream handle, data []byte) bool {
	if len(data) == 0 {
		return true
	}
	state := b.insertAppend(stream, first(data), uintptr(len(data)))
	runtime.KeepAlive(data)
	return state == 0
}
