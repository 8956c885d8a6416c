package model

import (
	"fmt"
	"math"
	"strings"
	"text/template/parse"
)

// interval is a function of templates that writes a statistic of counts or means
// as SQL, so that every model has the same formula. Its arguments are SQL
// expressions in quotes.
type interval struct {
	args    []string // what the arguments are called
	example string
	sql     func(args []string) string
}

// z975 is the 97.5 % quantile of the normal distribution, for intervals of 95 %.
const z975 = 1.959963984540054

// intervals are these functions by name. All give null where there is nobody to
// count and where a count is more than its n, and six decimals, so that a table
// does not depend on the order in which a processor adds.
var intervals = map[string]interval{
	"wilson_lower": {[]string{"k", "n"}, `{{ wilson_lower "lost" "customers_at_start" }}`, func(a []string) string {
		return whereCounted(percent(wilson(a[0], a[1], "-")), a[0], a[1])
	}},
	"wilson_upper": {[]string{"k", "n"}, `{{ wilson_upper "lost" "customers_at_start" }}`, func(a []string) string {
		return whereCounted(percent(wilson(a[0], a[1], "+")), a[0], a[1])
	}},
	"newcombe_lower": {[]string{"k1", "n1", "k2", "n2"}, `{{ newcombe_lower "returned" "treated" "control_returned" "control" }}`, func(a []string) string {
		return whereCounted(percent(newcombe(a[0], a[1], a[2], a[3], "-")), a...)
	}},
	"newcombe_upper": {[]string{"k1", "n1", "k2", "n2"}, `{{ newcombe_upper "returned" "treated" "control_returned" "control" }}`, func(a []string) string {
		return whereCounted(percent(newcombe(a[0], a[1], a[2], a[3], "+")), a...)
	}},
	"welch_lower":    {welchArgs, `{{ welch_lower "mean" "variance" "treated" "control_mean" "control_variance" "control" }}`, func(a []string) string { return welch(a, "-") }},
	"welch_upper":    {welchArgs, `{{ welch_upper "mean" "variance" "treated" "control_mean" "control_variance" "control" }}`, func(a []string) string { return welch(a, "+") }},
	"sample_ratio_p": {[]string{"n1", "n2", "share1"}, `{{ sample_ratio_p "treated" "control" "0.9" }}`, sampleRatio},
	"recency_bucket": {[]string{"days"}, `{{ recency_bucket "days_since_loss" }}`, recencyBucket},
}

var welchArgs = []string{"mean1", "variance1", "n1", "mean2", "variance2", "n2"}

// call returns the SQL of the function for expressions of SQL.
func (i interval) call(args ...string) (string, error) {
	if len(args) != len(i.args) {
		return "", fmt.Errorf("takes %s", strings.Join(i.args, ", "))
	}
	bracketed := make([]string, len(args))
	for n, arg := range args {
		bracketed[n] = "(" + arg + ")"
	}
	return i.sql(bracketed), nil
}

// wilson is a bound of Wilson's 95 % score interval of the share k of n, from 0 to
// 1 (Wilson 1927; Newcombe 1998, method 3): (p + z²/2n ± z·sqrt(p(1−p)/n +
// z²/4n²)) / (1 + z²/n).
func wilson(k, n, sign string) string {
	return fmt.Sprintf("((%[1]s / %[2]s + %[4]s / %[2]s %[3]s %[5]s * sqrt(%[1]s / %[2]s * (1 - %[1]s / %[2]s) / %[2]s + %[6]s / %[2]s / %[2]s)) / (1 + %[7]s / %[2]s))",
		k, n, sign, plainNumber(z975*z975/2), plainNumber(z975), plainNumber(z975*z975/4), plainNumber(z975*z975))
}

// newcombe is a bound of the 95 % interval of the difference k1/n1 − k2/n2, from
// the Wilson intervals of both (Newcombe 1998, method 10).
func newcombe(k1, n1, k2, n2, sign string) string {
	near, far := wilson(k1, n1, sign), wilson(k2, n2, opposite(sign))
	return fmt.Sprintf("(%[1]s / %[2]s - %[3]s / %[4]s %[5]s sqrt(pow(%[1]s / %[2]s - %[6]s, 2) + pow(%[7]s - %[3]s / %[4]s, 2)))", k1, n1, k2, n2, sign, near, far)
}

// welch is a bound of Welch's 95 % interval of the difference of two means, in
// their unit. The quantile of Student's distribution is its expansion in 1/df,
// right to four digits from five degrees of freedom on. Null for fewer than two in
// a group, and where nothing varies, as then nothing is known about the variance.
func welch(a []string, sign string) string {
	z := z975
	v1, v2 := fmt.Sprintf("toFloat64%s / %s", a[1], a[2]), fmt.Sprintf("toFloat64%s / %s", a[4], a[5])
	df := fmt.Sprintf("(pow(%[1]s + %[2]s, 2) / (pow(%[1]s, 2) / (%[3]s - 1) + pow(%[2]s, 2) / (%[4]s - 1)))", v1, v2, a[2], a[5])
	t := fmt.Sprintf("(%[2]s + %[3]s / %[1]s + %[4]s / pow(%[1]s, 2) + %[5]s / pow(%[1]s, 3))", df, plainNumber(z),
		plainNumber((math.Pow(z, 3)+z)/4),
		plainNumber((5*math.Pow(z, 5)+16*math.Pow(z, 3)+3*z)/96),
		plainNumber((3*math.Pow(z, 7)+19*math.Pow(z, 5)+17*math.Pow(z, 3)-15*z)/384))
	bound := fmt.Sprintf("toFloat64%s - toFloat64%s %s %s * sqrt(%s + %s)", a[0], a[3], sign, t, v1, v2)
	return fmt.Sprintf("if(%[1]s > 1 and %[2]s > 1 and toFloat64%[3]s >= 0 and toFloat64%[4]s >= 0 and toFloat64%[3]s + toFloat64%[4]s > 0, round(%[5]s, 6), null)", a[2], a[5], a[1], a[4], bound)
}

// sampleRatio is the p-value of the chi-square test that n1 of n1 + n2 is the
// share that was drawn; below 0.001 something is wrong with the groups.
func sampleRatio(a []string) string {
	n := fmt.Sprintf("(%s + %s)", a[0], a[1])
	return fmt.Sprintf("if(%[1]s > 0 and %[2]s > 0 and %[2]s < 1, erfc(abs(%[3]s - %[1]s * %[2]s) / sqrt(2 * %[1]s * %[2]s * (1 - %[2]s))), null)", n, a[2], a[0])
}

// recencyBucket names the stretch of time since a loss that so many days fall in.
func recencyBucket(a []string) string {
	return fmt.Sprintf("multiIf(%[1]s <= 30, '0-30', %[1]s <= 90, '31-90', %[1]s <= 180, '91-180', %[1]s <= 360, '181-360', '360+')", a[0])
}

// percent turns a share into percent without a sign on zero.
func percent(share string) string {
	return "if(round(100 * " + share + ", 6) = 0, 0., round(100 * " + share + ", 6))"
}

// whereCounted is null unless every count is one of its n; counts and their n
// alternate.
func whereCounted(value string, counts ...string) string {
	var conditions []string
	for i := 0; i < len(counts); i += 2 {
		k, n := counts[i], counts[i+1]
		conditions = append(conditions, fmt.Sprintf("%[2]s > 0 and %[1]s >= 0 and %[1]s <= %[2]s", k, n))
	}
	return fmt.Sprintf("if(%s, %s, null)", strings.Join(conditions, " and "), value)
}

func opposite(sign string) string {
	if sign == "-" {
		return "+"
	}
	return "-"
}

// intervalCall checks {{ wilson_lower "k" "n" }} and its kin.
func (w *templateWalker) intervalCall(function *parse.IdentifierNode, args []parse.Node) {
	called := intervals[function.Ident]
	for _, arg := range args {
		if text, ok := arg.(*parse.StringNode); !ok || strings.TrimSpace(text.Text) == "" {
			w.problem(arg.Position(), `%s takes SQL expressions in quotes, not %s: %s`, function.Ident, arg, called.example)
			return
		}
	}
	if len(args) != len(called.args) {
		w.problem(function.Pos, "%s takes %s: %s", function.Ident, strings.Join(called.args, ", "), called.example)
	}
}
