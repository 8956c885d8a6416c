package retry

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/url"
	"strings"
	"syscall"

	"github.com/ClickHouse/clickhouse-go/v2"

	"winback/connectors"
	"winback/pipelines/warehouse"
)

// OfSource says whether an error of a source may pass by itself. A connector that
// knows says so (connectors.Passing); else it is one of the network.
func OfSource(err error) bool {
	if hopeless(err) {
		return false
	}
	if passing, known := connectors.IsPassing(err); known {
		return passing
	}
	return ofNetwork(err)
}

// OfWarehouse says whether an error of the warehouse may pass by itself: the
// connection broke, or the server has too much to do, or too little memory for all
// that it does, or a lock, or no say among its replicas. A statement that is wrong
// stays wrong, and so does one that alone takes more memory or time than it may.
func OfWarehouse(err error) bool {
	if hopeless(err) {
		return false
	}
	if passing, known := connectors.IsPassing(err); known {
		return passing
	}
	if exception, ok := errors.AsType[*clickhouse.Exception](err); ok {
		if exception.Code == memoryLimit {
			return !ofQueryAlone(exception.Message)
		}
		return passingCodes[exception.Code] != ""
	}
	return errors.Is(err, clickhouse.ErrAcquireConnTimeout) || errors.Is(err, io.ErrUnexpectedEOF) || ofNetwork(err)
}

// hopeless says that somebody stopped it, that the credentials are wrong, or that the
// disk is full.
func hopeless(err error) bool {
	return err == nil || errors.Is(err, context.Canceled) || errors.Is(err, connectors.ErrRefused) || warehouse.IsDiskFull(err)
}

// memoryLimit is the code of MEMORY_LIMIT_EXCEEDED, of a query or of the server.
const memoryLimit = 241

// ofQueryAlone says that the limit was that of the query, which it meets again.
func ofQueryAlone(text string) bool {
	return strings.Contains(text, "(for query)") || strings.Contains(text, "Query memory limit exceeded")
}

// passingCodes are the engine's errors that the same statement may not meet a little
// later, with their names in system.errors.
var passingCodes = map[int32]string{
	3:   "UNEXPECTED_END_OF_FILE",
	32:  "ATTEMPT_TO_READ_AFTER_EOF",
	198: "DNS_ERROR",
	202: "TOO_MANY_SIMULTANEOUS_QUERIES",
	203: "NO_FREE_CONNECTION",
	209: "SOCKET_TIMEOUT",
	210: "NETWORK_ERROR",
	225: "NO_ZOOKEEPER",
	236: "ABORTED",
	242: "TABLE_IS_READ_ONLY", // as long as it has no connection to the keeper
	252: "TOO_MANY_PARTS",
	254: "NO_ACTIVE_REPLICAS",
	279: "ALL_CONNECTION_TRIES_FAILED",
	285: "TOO_FEW_LIVE_REPLICAS",
	286: "UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE",
	319: "UNKNOWN_STATUS_OF_INSERT",
	439: "CANNOT_SCHEDULE_TASK",
	473: "DEADLOCK_AVOIDED",
	499: "S3_ERROR",
	745: "SERVER_OVERLOADED",
	999: "KEEPER_EXCEPTION",
}

// ofNetwork says that a connection could not be made, or broke, or nobody answered in
// time. A certificate that is not trusted stays so, and so does a name that is unknown.
func ofNetwork(err error) bool {
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	if errors.As(err, &certificate) || errors.As(err, &record) {
		return false
	}
	if name, ok := errors.AsType[*net.DNSError](err); ok && name.IsNotFound {
		return false
	}
	for _, code := range []syscall.Errno{
		syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.ECONNABORTED, syscall.EPIPE, syscall.ETIMEDOUT,
		syscall.EHOSTUNREACH, syscall.EHOSTDOWN, syscall.ENETUNREACH, syscall.ENETDOWN, syscall.ENETRESET, syscall.ESTALE,
	} {
		if errors.Is(err, code) {
			return true
		}
	}
	var asked *url.Error
	if errors.As(err, &asked) && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)) {
		return true // the other side closed the connection
	}
	var network net.Error
	return errors.As(err, &network) && network.Timeout()
}
