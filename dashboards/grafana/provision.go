package grafana

import (
	"context"
	"net/http"

	"github.com/grafana/grafana-openapi-client-go/client/folders"
	"github.com/grafana/grafana-openapi-client-go/models"
)

// Action is what was done with one thing.
type Action string

// The actions.
const (
	Created   Action = "created"
	Changed   Action = "changed"
	LeftAlone Action = "left alone"
	Refused   Action = "refused" // somebody else changed it; it stays as it is
)

// Change is what was done with one thing of Grafana, and why.
type Change struct {
	Kind   string `json:"kind"` // folder, data source, dashboard, contact point, alert rule
	Name   string `json:"name"`
	Action Action `json:"action"`
	Detail string `json:"detail,omitempty"`
}

// Options are what provisioning is told beside the settings.
type Options struct {
	Boards []Board
	// Pulled are the fingerprints of dashboards that were fetched from Grafana, by
	// uid: an edit that is in the files may be overwritten.
	Pulled map[string]string
	// Force overwrites edits.
	Force bool
}

// Provision brings Grafana to what is wanted: folder, data source, dashboards,
// contact point, alert rules. What is so already is left alone, and what somebody
// else changed too, unless forced. The changes up to an error are returned with it;
// to run again is always safe.
func (g *Grafana) Provision(ctx context.Context, o Options) ([]Change, error) {
	var done []Change
	steps := []func() ([]Change, error){
		func() ([]Change, error) { return one(g.provisionFolder(ctx, o.Force)) },
		func() ([]Change, error) { return one(g.provisionDataSource(ctx, o.Force)) },
	}
	for _, b := range o.Boards {
		steps = append(steps, func() ([]Change, error) { return one(g.provisionDashboard(ctx, b, o.Pulled, o.Force)) })
	}
	steps = append(steps,
		func() ([]Change, error) { return g.provisionContacts(ctx, o.Force) },
		func() ([]Change, error) { return g.provisionRules(ctx, o.Force) },
	)
	for _, step := range steps {
		changes, err := step()
		done = append(done, changes...)
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

func one(c Change, err error) ([]Change, error) {
	if err != nil {
		return nil, err
	}
	return []Change{c}, nil
}

// provisionFolder makes the folder. One that is there may have been given another
// name, which is nobody's loss.
func (g *Grafana) provisionFolder(ctx context.Context, force bool) (Change, error) {
	change := Change{Kind: "folder", Name: g.settings.Folder, Action: LeftAlone}
	answer, err := g.folders.GetFolderByUIDWithParams(folders.NewGetFolderByUIDParamsWithContext(ctx).WithFolderUID(uid))
	switch {
	case status(err) == http.StatusNotFound:
		_, err := g.folders.CreateFolderWithParams(folders.NewCreateFolderParamsWithContext(ctx).
			WithBody(&models.CreateFolderCommand{UID: uid, Title: g.settings.Folder}))
		if err != nil {
			return change, g.explain("make the folder "+g.settings.Folder, err)
		}
		change.Action = Created
	case err != nil:
		return change, g.explain("look for the folder", err)
	case answer.Payload.Title != g.settings.Folder && !force:
		change.Detail = "Grafana calls it " + answer.Payload.Title
	case answer.Payload.Title != g.settings.Folder:
		_, err := g.folders.UpdateFolderWithParams(folders.NewUpdateFolderParamsWithContext(ctx).WithFolderUID(uid).
			WithBody(&models.UpdateFolderCommand{Title: g.settings.Folder, Version: answer.Payload.Version}))
		if err != nil {
			return change, g.explain("rename the folder "+answer.Payload.Title, err)
		}
		change.Action, change.Detail = Changed, "was "+answer.Payload.Title
	}
	return change, nil
}
