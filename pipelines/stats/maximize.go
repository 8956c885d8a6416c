package stats

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/optimize"
)

// objective is a log-likelihood of parameters in logarithms. It fills in the
// gradient when there is one to fill.
type objective func(logs, gradient []float64) float64

// Estimate is a fitted parameter.
type Estimate struct {
	Value float64
	// StdError is from the curvature of the log-likelihood; NaN when the fit did not
	// converge.
	StdError float64
}

// Interval returns the 95 % interval, symmetric in the logarithm as the parameter
// is positive.
func (e Estimate) Interval() (lower, upper float64) {
	factor := math.Exp(z975 * e.StdError / e.Value)
	return e.Value / factor, e.Value * factor
}

// Convergence tells how a fit went.
type Convergence struct {
	// Converged says that the gradient vanished at a maximum, or that the likelihood
	// does no more than creep up towards a limit.
	Converged bool
	// Limit names the parameter that runs to zero or infinity, where one does: there
	// customers differ in nothing that it could tell. What the model expects of them
	// is right all the same, and no parameter has a standard error.
	Limit string
	// Reason says in words why it did not converge.
	Reason string
	// Starts is from how many points the search began, Agreed how many of them led
	// to the same maximum; Evaluations counts likelihoods computed.
	Starts, Agreed, Evaluations int
}

// optimum is what a search found.
type optimum struct {
	logs       []float64
	value      float64
	covariance *mat.SymDense // of the logarithms; nil when it did not converge
	Convergence
}

const (
	// gradientNeeded is how small the gradient per customer has to be.
	gradientNeeded = 1e-7
	// farthest is how far from 1 a parameter may run, in logarithms: e^11 is for all
	// that matters no longer different from infinity. From far on it is taken to be on
	// its way there.
	farthest, far = 11, 7
	// creeping is how small the gradient of the other parameters has to be when one is
	// on its way to a limit: it moves, and they with it, ever more slowly.
	creeping = 1e-4
	// roughSteps and fineSteps are how far a search goes.
	roughSteps, fineSteps = 300, 40
	// sameMaximum is how near two maxima per customer have to be to be one.
	sameMaximum = 1e-6
)

// maximize searches from several points over a rough objective, which may be the
// same as the fine one, and goes on from the best over the fine one. weight is the
// number of customers, by which the likelihoods are scaled.
func maximize(rough, fine objective, weight float64, starts [][]float64, names []string) optimum {
	best := optimum{value: math.Inf(-1), Convergence: Convergence{Starts: len(starts)}}
	var values []float64
	for _, start := range starts {
		logs, value := climb(rough, weight, start, roughSteps, &best.Evaluations)
		values = append(values, value)
		if value > best.value {
			best.logs, best.value = logs, value
		}
	}
	for _, value := range values {
		if math.Abs(value-best.value)/weight < sameMaximum {
			best.Agreed++
		}
	}
	if best.logs == nil {
		best.Reason = "the likelihood could not be computed anywhere"
		return best
	}
	// Near the maximum the curvature of the rough objective serves for the fine one,
	// which is computed a few times only.
	best.polish(rough, fine, weight, names)
	if !best.Converged {
		best.logs, best.value = climb(fine, weight, best.logs, fineSteps, &best.Evaluations)
		best.limit(fine, weight, names)
	}
	if !best.Converged {
		best.polish(fine, fine, weight, names)
	}
	return best
}

// climb goes up from a point by BFGS and returns where it came to. A search that
// can make no more progress has come as far as numbers allow.
func climb(f objective, weight float64, start []float64, steps int, evaluations *int) ([]float64, float64) {
	at, slope, height := []float64(nil), make([]float64, len(start)), 0.0
	compute := func(logs []float64) { // value and gradient are asked for one by one
		if slices.Equal(at, logs) {
			return
		}
		*evaluations++
		at = append(at[:0], logs...)
		height = -f(logs, slope) / weight
		for i := range slope {
			slope[i] /= -weight
		}
		height += fence(logs, slope)
	}
	problem := optimize.Problem{
		Func: func(logs []float64) float64 { compute(logs); return height },
		Grad: func(gradient, logs []float64) { compute(logs); copy(gradient, slope) },
	}
	settings := &optimize.Settings{GradientThreshold: gradientNeeded, MajorIterations: steps, Converger: optimize.NeverTerminate{}}
	result, err := optimize.Minimize(problem, start, settings, &optimize.BFGS{})
	if result == nil || (err != nil && len(result.X) == 0) {
		return start, f(start, nil)
	}
	return result.X, f(result.X, nil)
}

// fence keeps parameters from running to infinity where the likelihood is flat.
func fence(logs, gradient []float64) float64 {
	penalty := 0.0
	for i, value := range logs {
		if over := math.Abs(value) - farthest; over > 0 {
			penalty += over * over
			if gradient != nil {
				gradient[i] += 2 * over * math.Copysign(1, value)
			}
		}
	}
	return penalty
}

// polish goes the last steps by Newton's method, with the curvature of the rough
// objective, and takes the covariance from that of the fine one.
func (o *optimum) polish(rough, fine objective, weight float64, names []string) {
	const steps = 12
	n := len(o.logs)
	gradient := make([]float64, n)
	for step := 0; ; step++ {
		o.value = fine(o.logs, gradient)
		o.Evaluations += 2
		steepest := 0.0
		for i, g := range gradient {
			if math.Abs(o.logs[i]) < farthest { // beyond there is the fence
				steepest = max(steepest, math.Abs(g)/weight)
			}
		}
		if steepest < gradientNeeded {
			o.settle(fine, names)
			return
		}
		var curved mat.Cholesky
		switch {
		case !curved.Factorize(curvature(rough, o.logs)):
			o.Reason = flat
			return
		case step == steps:
			o.Reason = fmt.Sprintf("the search ended on a slope of %.2g per customer", steepest)
			return
		}
		o.step(fine, &curved, gradient)
	}
}

// limit notes that a parameter is on its way to a limit where the likelihood
// hardly grows any more.
func (o *optimum) limit(f objective, weight float64, names []string) {
	gradient := make([]float64, len(o.logs))
	o.value = f(o.logs, gradient)
	o.Evaluations++
	outmost := o.outmost()
	if math.Abs(o.logs[outmost]) <= far {
		return
	}
	for i, g := range gradient {
		if math.Abs(o.logs[i]) <= far && math.Abs(g)/weight > creeping {
			return
		}
	}
	o.atLimit(outmost, names)
}

// outmost is the parameter farthest from 1.
func (o *optimum) outmost() int {
	at := 0
	for i, value := range o.logs {
		if math.Abs(value) > math.Abs(o.logs[at]) {
			at = i
		}
	}
	return at
}

func (o *optimum) atLimit(parameter int, names []string) {
	where := "zero"
	if o.logs[parameter] > 0 {
		where = "infinity"
	}
	o.Limit, o.Converged, o.Reason = names[parameter]+" goes to "+where, true, ""
}

const flat = "the likelihood is flat: these data do not tell the parameters apart"

// settle takes the covariance of a maximum from the curvature there. Where there
// is none, and a parameter is far out, it is on its way to a limit.
func (o *optimum) settle(f objective, names []string) {
	n := len(o.logs)
	o.Evaluations += 2 * n
	outmost := o.outmost()
	var curved mat.Cholesky
	covariance := mat.NewSymDense(n, nil)
	distance := math.Abs(o.logs[outmost])
	switch {
	case distance < farthest && curved.Factorize(curvature(f, o.logs)) && curved.InverseTo(covariance) == nil:
		// One step more, with the true curvature: where the search ended must not show.
		gradient := make([]float64, n)
		o.value = f(o.logs, gradient)
		o.step(f, &curved, gradient)
		o.value, o.covariance = f(o.logs, nil), covariance
		o.Converged, o.Reason = true, ""
	case distance > far:
		o.atLimit(outmost, names)
	default:
		o.Reason = flat
	}
}

// step moves by Newton's method, half as far again and again while that leads
// down.
func (o *optimum) step(f objective, curved *mat.Cholesky, gradient []float64) {
	n := len(o.logs)
	var move mat.VecDense
	if err := curved.SolveVecTo(&move, mat.NewVecDense(n, gradient)); err != nil {
		return
	}
	next := make([]float64, n)
	for share := 1.0; share > 1e-6; share /= 2 {
		for i := range next {
			next[i] = o.logs[i] + share*move.AtVec(i)
		}
		if value := f(next, nil); value >= o.value-1e-9*math.Abs(o.value) {
			copy(o.logs, next)
			return
		}
	}
}

// curvature is minus the matrix of second derivatives, from differences of the
// gradient.
func curvature(f objective, logs []float64) *mat.SymDense {
	const width = 1e-4
	n := len(logs)
	slopes := make([][]float64, n)
	above, below := make([]float64, n), make([]float64, n)
	for i := range n {
		at := append([]float64(nil), logs...)
		at[i] = logs[i] + width
		f(at, above)
		at[i] = logs[i] - width
		f(at, below)
		slopes[i] = make([]float64, n)
		for j := range n {
			slopes[i][j] = (below[j] - above[j]) / (2 * width)
		}
	}
	h := mat.NewSymDense(n, nil)
	for i := range n {
		for j := i; j < n; j++ {
			h.SetSym(i, j, (slopes[i][j]+slopes[j][i])/2)
		}
	}
	return h
}

// estimates turns the logarithms into parameters with standard errors, by the
// delta method.
func (o *optimum) estimates() []Estimate {
	estimates := make([]Estimate, len(o.logs))
	for i, value := range o.logs {
		estimates[i] = Estimate{Value: math.Exp(value), StdError: math.NaN()}
		if o.covariance != nil {
			estimates[i].StdError = estimates[i].Value * math.Sqrt(o.covariance.At(i, i))
		}
	}
	return estimates
}
