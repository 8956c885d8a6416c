package record

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"

	"winback/connectors"
	"winback/connectors/entity"
)

// Seen is the cursor of a dataset that is read whole every time.
type Seen struct {
	Digest  string   `json:"digest"` // of the rows
	Unknown []string `json:"unknown,omitempty"`
}

// LastSeen is the cursor that the last extraction left.
func LastSeen(req connectors.Request) (last Seen, err error) {
	if len(req.Cursors) == 0 {
		return last, nil
	}
	if err := json.Unmarshal(req.Cursors[len(req.Cursors)-1], &last); err != nil {
		return last, fmt.Errorf("read the cursor of %s: %w; --full reads everything again", req.Dataset, err)
	}
	return last, nil
}

// CloseWhole is Close for rows with the option Whole, and returns what the
// extraction is to return. When the rows are those that were read before, in
// whatever order, they are not handed on again.
func (rows *Rows) CloseWhole(ctx context.Context, last Seen) (connectors.Extracted, error) {
	now := Seen{Digest: rows.digest(), Unknown: rows.Unknown()}
	if now.Digest == last.Digest {
		clear(rows.batches)
		clear(rows.count)
		rows.order = nil
	}
	if err := rows.Close(ctx); err != nil || now.Digest == last.Digest {
		return connectors.Extracted{}, err
	}
	text, err := json.Marshal(now)
	if err != nil {
		return connectors.Extracted{}, fmt.Errorf("write the cursor: %w", err)
	}
	return connectors.Extracted{Cursor: text}, nil
}

// digest tells the rows held back from others: the sum of the hashes of the rows,
// which does not depend on their order.
func (rows *Rows) digest() string {
	var sum [sha256.Size]byte
	h := sha256.New()
	for _, s := range rows.order {
		b := rows.batches[s]
		b.Align()
		for i := range b.Rows() {
			h.Reset()
			hashRow(h, b, i)
			carry := 0
			for at, add := range h.Sum(nil) {
				carry += int(sum[at]) + int(add)
				sum[at] = byte(carry)
				carry >>= 8
			}
		}
	}
	return hex.EncodeToString(sum[:16])
}

func hashRow(h hash.Hash, b *entity.Batch, i int) {
	var line bytes.Buffer
	line.WriteString(b.Schema.FullName())
	for at := range b.Columns {
		line.WriteByte(0)
		if c := &b.Columns[at]; !c.IsNull(i) {
			line.WriteByte(1)
			line.WriteString(c.TextOf(i))
		}
	}
	h.Write(line.Bytes())
}
