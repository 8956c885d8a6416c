// Package reporttest looks at pages of reports in a browser, as a reader would: is
// everything drawn, is anything cut or drawn over something else?
package reporttest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Browser is a browser without a window.
type Browser struct {
	ctx context.Context

	lock sync.Mutex
	said []string
}

// Start starts the browser; it ends with the test. Without one the test is skipped,
// loudly, or fails where CI is set.
func Start(t testing.TB) *Browser {
	t.Helper()
	if !slices.ContainsFunc([]string{"chromium", "chromium-browser", "google-chrome"}, func(name string) bool { _, err := exec.LookPath(name); return err == nil }) {
		const missing = "NO BROWSER: no page was looked at; apt-get install chromium"
		if os.Getenv("CI") != "" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.UserDataDir(t.TempDir()), chromedp.WSURLReadTimeout(time.Minute))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	b := &Browser{}
	ctx, end := chromedp.NewContext(allocator, chromedp.WithListener(b.hear))
	b.ctx = ctx
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil { // starts it, and no timeout ends it
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil {
			t.Log(err)
		}
		end()
		stop()
	})
	return b
}

// hear notes what goes wrong in a page.
func (b *Browser) hear(event any) {
	b.lock.Lock()
	defer b.lock.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		b.said = append(b.said, e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		b.said = append(b.said, "console: "+string(e.Type))
	}
}

// Screen is how a page is looked at.
type Screen struct {
	Name          string
	Width, Height int64
	Scheme        string // light or dark
}

// Screens are a desk and a telephone, by day and by night.
var Screens = []Screen{
	{"desk", 1440, 900, "light"},
	{"desk at night", 1440, 900, "dark"},
	{"telephone", 390, 844, "light"},
	{"telephone at night", 390, 844, "dark"},
}

// Look opens a page on every screen and reports what a reader would stumble over.
func (b *Browser) Look(t testing.TB, page string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(file, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	if folder := os.Getenv("WINBACK_LOOK"); folder != "" { // to look oneself
		_ = os.WriteFile(filepath.Join(folder, filepath.Base(t.Name())+".html"), []byte(page), 0o600)
	}
	for _, screen := range Screens {
		ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
		media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: screen.Scheme}}}
		var faults []string
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, media)
		if err == nil {
			err = chromedp.Do(ctx, chromedp.EmulateViewport(screen.Width, screen.Height), chromedp.Navigate("file://"+file))
		}
		if err == nil {
			faults, err = chromedp.Run(ctx, chromedp.Evaluate[[]string](look))
		}
		cancel()
		if err != nil {
			t.Fatalf("%s: %v", screen.Name, err)
		}
		for _, fault := range faults {
			t.Errorf("%s: %s", screen.Name, fault)
		}
	}
	b.lock.Lock()
	defer b.lock.Unlock()
	for _, said := range b.said {
		t.Errorf("the browser says: %s", said)
	}
	b.said = nil
}

// Picture returns an element of a page as PNG, as it looks on a desk.
func (b *Browser) Picture(t testing.TB, file, id string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	err := chromedp.Do(ctx, chromedp.EmulateViewport(1440, 900), chromedp.Navigate("file://"+file))
	if err != nil {
		t.Fatal(err)
	}
	picture, err := chromedp.Run(ctx, chromedp.Screenshot(chromedp.ID(id)))
	if err != nil {
		t.Fatal(err)
	}
	return picture
}

// look is what is asked of a page. It answers with sentences, none for a good page.
const look = `(() => {
	const faults = [];
	const say = (what) => { if (faults.length < 25 && !faults.includes(what)) faults.push(what); };
	const panelOf = (e) => { const p = e.closest('article'); const h = p && p.querySelector('h3, h2'); return h ? h.textContent.trim() : 'the page'; };
	const seen = (e) => { const s = getComputedStyle(e); const r = e.getBoundingClientRect(); return s.visibility !== 'hidden' && s.display !== 'none' && +s.opacity > 0 && r.width > 1 && r.height > 1 && !e.closest('details:not([open])'); };

	if (document.documentElement.scrollWidth > innerWidth + 1) say('the page is ' + document.documentElement.scrollWidth + ' wide on a screen of ' + innerWidth);
	const panels = [...document.querySelectorAll('article')];
	if (panels.length < 10) say('only ' + panels.length + ' panels');
	for (const p of panels) {
		const r = p.getBoundingClientRect();
		if (r.width < 60 || r.height < 30) say(panelOf(p) + ': is ' + Math.round(r.width) + ' x ' + Math.round(r.height));
		if (r.right > innerWidth + 1) say(panelOf(p) + ': stands out of the page on the right');
	}
	for (const a of panels) for (const b of panels) {
		if (a === b || a.contains(b) || b.contains(a)) continue;
		const x = a.getBoundingClientRect(), y = b.getBoundingClientRect();
		if (x.left < y.right - 1 && y.left < x.right - 1 && x.top < y.bottom - 1 && y.top < x.bottom - 1) say(panelOf(a) + ' lies over ' + panelOf(b));
	}
	for (const e of document.querySelectorAll('h1, h2, h3, h4, td, th, dt, dd, p, span, a, li, summary')) {
		if (!seen(e) || e.closest('svg')) continue;
		const s = getComputedStyle(e);
		if (s.overflowX !== 'visible' && s.textOverflow !== 'ellipsis' && s.overflowX !== 'auto' && s.overflowX !== 'scroll' && e.scrollWidth > e.clientWidth + 1) say(panelOf(e) + ': cuts "' + e.textContent.trim().slice(0, 60) + '"');
	}
	const words = (svg) => [...svg.querySelectorAll('text')].filter((t) => seen(t) && t.textContent.trim());
	for (const svg of document.querySelectorAll('svg')) {
		if (!seen(svg)) continue;
		const frame = svg.getBoundingClientRect();
		const texts = words(svg).map((t) => [t, t.getBoundingClientRect()]);
		for (const [t, r] of texts) {
			if (getComputedStyle(svg).overflow !== 'visible' && (r.left < frame.left - 2 || r.right > frame.right + 2 || r.top < frame.top - 3 || r.bottom > frame.bottom + 3)) say(panelOf(svg) + ': "' + t.textContent.trim().slice(0, 60) + '" stands out of its drawing');
		}
		for (let i = 0; i < texts.length; i++) for (let j = i + 1; j < texts.length; j++) {
			const [t, x] = texts[i], [u, y] = texts[j];
			if (t.contains(u) || u.contains(t) || t.getAttribute('transform') || u.getAttribute('transform')) continue;
			const w = Math.min(x.right, y.right) - Math.max(x.left, y.left), h = Math.min(x.bottom, y.bottom) - Math.max(x.top, y.top);
			if (w > 2 && h > 0.4 * Math.min(x.height, y.height)) say(panelOf(svg) + ': "' + t.textContent.trim().slice(0, 40) + '" and "' + u.textContent.trim().slice(0, 40) + '" are written over each other');
		}
	}
	const bad = document.body.innerText.match(/NaN|Infinity|undefined|[0-9]e[+-][0-9]+|\$\{|%!/g);
	if (bad) say('the page says ' + [...new Set(bad)].join(', '));
	return faults;
})()`
