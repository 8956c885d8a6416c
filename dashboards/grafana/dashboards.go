package grafana

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/grafana/grafana-openapi-client-go/client/dashboards"
	"github.com/grafana/grafana-openapi-client-go/models"
)

// Standing is how a dashboard of Grafana stands to its file.
type Standing string

// The standings.
const (
	Missing Standing = "missing" // Grafana has none
	Same    Standing = "same"    // as the file has it
	Older   Standing = "older"   // as winback put it there; the file is another by now
	Edited  Standing = "edited"  // somebody saved it in Grafana since
	Foreign Standing = "foreign" // Grafana reads it from a file of its server
	Extra   Standing = "extra"   // made in Grafana; there is no file of it
)

// Found is a dashboard that is wanted, and what Grafana has of it.
type Found struct {
	UID, Title string
	Standing   Standing
	// Version, By and At tell of what Grafana has.
	Version int64
	By      string
	At      time.Time

	have      map[string]any // nil if missing
	want      map[string]any // nil if extra
	wantPrint string
	havePrint string
	folder    string
}

// find looks a wanted dashboard up. seen are the fingerprints of edits that were
// fetched: what is known may be overwritten.
func (g *Grafana) find(ctx context.Context, b Board, seen map[string]string) (*Found, error) {
	want, err := g.settings.publish(b.Text)
	if err != nil {
		return nil, err
	}
	f := &Found{UID: b.UID, Title: b.Title, Standing: Missing, want: want}
	if f.wantPrint, err = fingerprint(want); err != nil {
		return nil, err
	}
	answer, err := g.dashboards.GetDashboardByUIDWithParams(dashboards.NewGetDashboardByUIDParamsWithContext(ctx).WithUID(b.UID))
	if status(err) == http.StatusNotFound {
		return f, nil
	}
	if err != nil {
		return nil, g.explain("read the dashboard "+b.UID+" from Grafana", err)
	}
	if err := f.read(answer.Payload); err != nil {
		return nil, err
	}
	last, err := g.dashboards.GetDashboardVersionByUIDWithParams(
		dashboards.NewGetDashboardVersionByUIDParamsWithContext(ctx).WithUID(b.UID).WithDashboardVersionID(f.Version))
	if err != nil && status(err) != http.StatusNotFound { // without a history the content alone tells
		return nil, g.explain("read the history of the dashboard "+b.UID+" from Grafana", err)
	}
	message := ""
	if err == nil {
		message = last.Payload.Message
	}
	f.judge(answer.Payload.Meta, printOf(message), seen[b.UID])
	return f, nil
}

func (f *Found) read(payload *models.DashboardFullWithMeta) (err error) {
	have, ok := payload.Dashboard.(map[string]any)
	if !ok || payload.Meta == nil {
		return &Error{Problem: "Grafana has a dashboard " + f.UID + " of another kind", Way: "give yours another uid, or remove Grafana's"}
	}
	f.have, f.Version, f.By, f.At = have, payload.Meta.Version, payload.Meta.UpdatedBy, time.Time(payload.Meta.Updated)
	f.folder = payload.Meta.FolderUID
	f.havePrint, err = fingerprint(have)
	return err
}

// judge decides by who saved it last. written is the fingerprint in winback's own
// note; empty if somebody else saved it.
func (f *Found) judge(meta *models.DashboardMeta, written, seen string) {
	moved := meta.FolderUID != uid
	switch {
	case (f.havePrint == f.wantPrint || written == f.wantPrint) && (!moved || meta.Provisioned):
		f.Standing = Same
	case meta.Provisioned:
		f.Standing = Foreign
	case written != "" && !moved, seen != "" && seen == f.havePrint:
		f.Standing = Older
	default:
		f.Standing = Edited
	}
}

// provisionDashboard brings one dashboard to what its file has.
func (g *Grafana) provisionDashboard(ctx context.Context, b Board, seen map[string]string, force bool) (Change, error) {
	f, err := g.find(ctx, b, seen)
	if err != nil {
		return Change{}, err
	}
	change := Change{Kind: "dashboard", Name: b.UID}
	switch {
	case f.Standing == Same:
		change.Action = LeftAlone
		return change, nil
	case f.Standing == Foreign:
		change.Action, change.Detail = Refused, "Grafana reads it from a file of its server; change it there"
		return change, nil
	case f.Standing == Edited && !force:
		change.Action, change.Detail = Refused, f.who()
		return change, nil
	case f.Standing == Missing:
		change.Action = Created
	default:
		change.Action = Changed
	}
	version, err := g.save(ctx, f)
	if err != nil {
		return Change{}, err
	}
	change.Detail = fmt.Sprintf("version %d", version)
	if f.Standing == Edited {
		change.Detail += fmt.Sprintf("; over version %d, which is in its history", f.Version)
	}
	return change, nil
}

// who tells of the edit.
func (f *Found) who() string {
	text := fmt.Sprintf("edited in Grafana: version %d", f.Version)
	if f.By != "" {
		text += " by " + f.By
	}
	if !f.At.IsZero() {
		text += " at " + f.At.UTC().Format("2006-01-02 15:04 UTC")
	}
	if f.folder != uid {
		text += ", in another folder"
	}
	return text
}

// save writes what is wanted over the version that was looked at, and no later one.
func (g *Grafana) save(ctx context.Context, f *Found) (int64, error) {
	f.want["id"], f.want["version"] = nil, f.Version
	answer, err := g.dashboards.PostDashboardWithParams(dashboards.NewPostDashboardParamsWithContext(ctx).WithBody(&models.SaveDashboardCommand{
		Dashboard: f.want, FolderUID: uid, Message: g.settings.note(f.wantPrint),
	}))
	if err != nil {
		return 0, g.explain("save the dashboard "+f.UID, err)
	}
	if answer.Payload.Version == nil {
		return 0, errors.New("save the dashboard " + f.UID + ": Grafana does not say which version it became")
	}
	return *answer.Payload.Version, nil
}
