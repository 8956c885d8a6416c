package demo

import (
	"math"
	"math/rand/v2"
)

// Streams of random numbers. Each thing drawn has its own, so that drawing more
// of one never changes another.
const (
	streamProfile uint64 = iota + 1
	streamLife
	streamOrder
	streamRecord
	streamCatalogue
	streamTaste
	streamDelivery
	streamComplaint
	streamSurvey
	streamDeal
	streamCall
	streamCart
	streamCampaign
	streamPayment
	streamPlan
	streamActivity
)

// dice draws numbers from one stream. Everything drawn is a whole number: floats
// differ between processors in their last bits, and the files must not.
type dice struct{ source rand.PCG }

// start puts the dice at the beginning of a stream.
func (d *dice) start(seed, stream, a, b uint64) {
	first := scramble(seed ^ stream*0x9e3779b97f4a7c15)
	d.source.Seed(scramble(first^a), scramble(first+b*0xd1342543de82ef95))
}

// scramble spreads a number over all bits (the finalizer of SplitMix64).
func scramble(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// below draws from 0 … n-1.
func (d *dice) below(n int) int {
	return int((d.source.Uint64() >> 32) * uint64(n) >> 32)
}

// between draws from low … high.
func (d *dice) between(low, high int) int { return low + d.below(high-low+1) }

// chance is true in that many of 10,000 draws.
func (d *dice) chance(of10000 int) bool { return d.below(10_000) < of10000 }

// from draws from a distribution.
func (d *dice) from(q *quantiles) int64 { return q[d.source.Uint64()>>(64-quantileBits)] }

// at returns the value at a rank that is spread over all bits.
func (q *quantiles) at(rank uint64) int64 { return q[rank>>(64-quantileBits)] }

const quantileBits = 12

// quantiles is a distribution as its values at evenly spaced ranks, rounded to
// whole units.
type quantiles [1 << quantileBits]int64

// lognormal has the given median and spread (the deviation of the logarithm).
func lognormal(median int64, spread float64) *quantiles {
	return tabulate(func(rank float64) float64 {
		return float64(median) * math.Exp(spread*math.Sqrt2*math.Erfinv(2*rank-1))
	})
}

// exponential has the given mean.
func exponential(mean int64) *quantiles {
	return tabulate(func(rank float64) float64 { return -float64(mean) * math.Log1p(-rank) })
}

func tabulate(value func(rank float64) float64) *quantiles {
	q := new(quantiles)
	for i := range q {
		q[i] = int64(math.Round(value((float64(i) + 0.5) / float64(len(q)))))
	}
	return q
}

// weighted draws index i with a share of weights[i].
func weighted(weights []int) *quantiles {
	total, q := 0, new(quantiles)
	for _, w := range weights {
		total += w
	}
	at, upTo := 0, weights[0]
	for i := range q {
		for i*total >= upTo*len(q) {
			at++
			upTo += weights[at]
		}
		q[i] = int64(at)
	}
	return q
}
