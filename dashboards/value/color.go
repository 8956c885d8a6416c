package value

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Paint is a colour and one for text upon it, both as CSS. Colours with a name
// are variables of the page, so that they follow its light or dark theme.
type Paint struct{ Color, Ink string }

// shades of the named colours, from super-light to dark, as the dark theme has
// them.
var shades = map[string][5]string{
	"red":    {"#FFA6B0", "#FF7383", "#F2495C", "#E02F44", "#C4162A"},
	"orange": {"#FFCB7D", "#FFB357", "#FF9830", "#FF780A", "#FA6400"},
	"yellow": {"#FFF899", "#FFEE52", "#FADE2A", "#F2CC0C", "#E0B400"},
	"green":  {"#C8F2C2", "#96D98D", "#73BF69", "#56A64B", "#37872D"},
	"blue":   {"#C0D8FF", "#8AB8FF", "#5794F2", "#3274D9", "#1F60C4"},
	"purple": {"#DEB6F2", "#CA95E5", "#B877D9", "#A352CC", "#8F3BB8"},
}

// darkest is the shade below the last one, which the light theme reaches.
var darkest = map[string]string{"red": "#AD0317", "orange": "#E55400", "yellow": "#CC9D00", "green": "#19730E", "blue": "#1250B0", "purple": "#7C2EA3"}

var shadeNames = []string{"super-light-", "light-", "", "semi-dark-", "dark-"}

// classic is the palette for series, dark and light.
var (
	classic      = []string{"#73BF69", "#F2CC0C", "#5794F2", "#FF9830", "#F2495C", "#B877D9", "#37872D", "#E0B400", "#1F60C4", "#FA6400", "#C4162A", "#8F3BB8"}
	classicLight = []string{"#56A64B", "#E0B400", "#3274D9", "#FF780A", "#E02F44", "#A352CC", "#19730E", "#CC9D00", "#1250B0", "#E55400", "#AD0317", "#7C2EA3"}
)

// Named returns the paint of a colour as dashboards write it: a name, or any
// colour of CSS.
func Named(name string) Paint {
	base := name
	for i, prefix := range shadeNames {
		rest, ok := strings.CutPrefix(name, prefix)
		if !ok || prefix == "" {
			continue
		}
		if _, known := shades[rest]; known {
			return Paint{fmt.Sprintf("var(--%s%d)", rest, i), fmt.Sprintf("var(--%s%d-ink)", rest, i)}
		}
	}
	if _, known := shades[base]; known {
		return Paint{"var(--" + base + "2)", "var(--" + base + "2-ink)"}
	}
	switch name {
	case "text", "":
		return Paint{"var(--text)", "var(--paper)"}
	case "transparent":
		return Paint{"transparent", "var(--text)"}
	}
	if r, g, b, ok := hex(name); ok {
		return Paint{name, inkOn(r, g, b)}
	}
	return Paint{"var(--soft)", "var(--paper)"} // nothing that a page could run comes out of a name
}

// Classic returns the n-th colour of the palette for series.
func Classic(n int) Paint {
	n %= len(classic)
	return Paint{fmt.Sprintf("var(--p%d)", n), fmt.Sprintf("var(--p%d-ink)", n)}
}

// Variables returns the CSS declarations of all named colours in a theme.
func Variables(dark bool) string {
	var b strings.Builder
	put := func(name, color string) {
		r, g, bl, _ := hex(color)
		fmt.Fprintf(&b, "--%s:%s;--%[1]s-ink:%[3]s;", name, strings.ToLower(color), inkOn(r, g, bl))
	}
	for _, name := range []string{"red", "orange", "yellow", "green", "blue", "purple"} {
		for i := range 5 {
			color := shades[name][i]
			if !dark && i == 4 {
				color = darkest[name]
			} else if !dark {
				color = shades[name][i+1]
			}
			put(name+strconv.Itoa(i), color)
		}
	}
	palette := classicLight
	if dark {
		palette = classic
	}
	for i, color := range palette {
		put("p"+strconv.Itoa(i), color)
	}
	return b.String()
}

// scales are the stops of the continuous colours.
var scales = map[string][]string{
	"continuous-GrYlRd":  {"#73BF69", "#B4CB4C", "#E2C03D", "#F39045", "#F2495C"},
	"continuous-RdYlGr":  {"#F2495C", "#F39045", "#E2C03D", "#B4CB4C", "#73BF69"},
	"continuous-BlYlRd":  {"#5794F2", "#A9B38E", "#FADE2A", "#F69443", "#F2495C"},
	"continuous-YlRd":    {"#FADE2A", "#F69443", "#F2495C"},
	"continuous-BlPu":    {"#5794F2", "#B877D9"},
	"continuous-YlBl":    {"#FADE2A", "#5794F2"},
	"continuous-blues":   {"#DCE9FB", "#8AB8FF", "#1250B0"},
	"continuous-reds":    {"#FBE0E3", "#FF7383", "#AD0317"},
	"continuous-greens":  {"#DFF3DB", "#96D98D", "#19730E"},
	"continuous-purples": {"#EFDDF8", "#CA95E5", "#7C2EA3"},
	"Oranges":            {"#FFF0DC", "#FFB357", "#C64A00"},
	"Blues":              {"#DCE9FB", "#8AB8FF", "#1250B0"},
	"Greens":             {"#DFF3DB", "#96D98D", "#19730E"},
	"Reds":               {"#FBE0E3", "#FF7383", "#AD0317"},
}

// Scale returns the colour at a share, 0 to 1, of a continuous scale.
func Scale(name string, share float64) Paint {
	stops, known := scales[name]
	if !known {
		stops = scales["continuous-GrYlRd"]
	}
	share = math.Min(math.Max(share, 0), 1) * float64(len(stops)-1)
	at := min(int(share), len(stops)-2)
	part := share - float64(at)
	r1, g1, b1, _ := hex(stops[at])
	r2, g2, b2, _ := hex(stops[at+1])
	mix := func(x, y float64) float64 { return math.Round(x + (y-x)*part) }
	r, g, b := mix(r1, r2), mix(g1, g2), mix(b1, b2)
	return Paint{fmt.Sprintf("#%02x%02x%02x", int(r), int(g), int(b)), inkOn(r, g, b)}
}

// IsScale tells a continuous mode of colour.
func IsScale(mode string) bool { return strings.HasPrefix(mode, "continuous-") }

// inkOn chooses black or white for text, whichever has the better contrast by
// WCAG's luminance: it is 4.58 at least.
func inkOn(r, g, b float64) string {
	l := 0.2126*linear(r) + 0.7152*linear(g) + 0.0722*linear(b)
	if (l+0.05)/0.05 > 1.05/(l+0.05) {
		return "#000000"
	}
	return "#ffffff"
}

func linear(c float64) float64 {
	c /= 255
	if c <= 0.04045 {
		return c / 12.92
	}
	return math.Pow((c+0.055)/1.055, 2.4)
}

// hex reads #abc, #aabbcc, rgb(1, 2, 3) and rgba(…).
func hex(color string) (r, g, b float64, ok bool) {
	if inner, found := strings.CutPrefix(color, "rgb"); found {
		parts := strings.Split(strings.Trim(strings.TrimPrefix(inner, "a"), "() "), ",")
		if len(parts) < 3 {
			return 0, 0, 0, false
		}
		var n [3]float64
		for i := range n {
			v, err := strconv.ParseFloat(strings.TrimSpace(parts[i]), 64)
			if err != nil {
				return 0, 0, 0, false
			}
			n[i] = v
		}
		return n[0], n[1], n[2], true
	}
	digits, found := strings.CutPrefix(color, "#")
	if len(digits) == 3 {
		digits = string([]byte{digits[0], digits[0], digits[1], digits[1], digits[2], digits[2]})
	}
	n, err := strconv.ParseUint(digits, 16, 32)
	if !found || err != nil || len(digits) != 6 {
		return 0, 0, 0, false
	}
	return float64(n >> 16), float64(n >> 8 & 255), float64(n & 255), true
}
