package grafana

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"

	"github.com/grafana/grafana-openapi-client-go/client/datasources"
	"github.com/grafana/grafana-openapi-client-go/models"
)

// Keys of the plugin's settings that are winback's own, and that the plugin keeps
// and ignores: by them winback knows whether its settings were edited, and whether
// the secrets, which Grafana never shows, are still those of the configuration.
const (
	writtenKey = "winbackWritten"
	secretsKey = "winbackSecrets"
)

// provisionDataSource brings the data source to what the configuration says.
func (g *Grafana) provisionDataSource(ctx context.Context, force bool) (Change, error) {
	d := &g.settings.DataSource
	change := Change{Kind: "data source", Name: d.Name, Action: LeftAlone}
	want, err := d.jsonData()
	if err != nil {
		return change, &Error{Problem: err.Error(), Way: "correct grafana.datasource.url"}
	}
	answer, err := g.datasources.GetDataSourceByUIDWithParams(datasources.NewGetDataSourceByUIDParamsWithContext(ctx).WithUID(uid))
	switch {
	case status(err) == http.StatusNotFound:
		change.Action = Created
		err = g.addDataSource(ctx, want)
	case err != nil:
		return change, g.explain("look for the data source", err)
	default:
		err = g.updateDataSource(ctx, answer.Payload, want, &change, force)
	}
	if err != nil {
		return change, err
	}
	if problem := g.dataSourceProblem(ctx); problem != "" {
		if change.Detail != "" {
			change.Detail += "; "
		}
		change.Detail += "Grafana does not reach the warehouse through it: " + problem
	}
	return change, nil
}

func (g *Grafana) addDataSource(ctx context.Context, want map[string]any) error {
	d := &g.settings.DataSource
	data, err := g.marked(want)
	if err != nil {
		return err
	}
	_, err = g.datasources.AddDataSourceWithParams(datasources.NewAddDataSourceParamsWithContext(ctx).WithBody(&models.AddDataSourceCommand{
		UID: uid, Name: d.Name, Type: pluginID, Access: "proxy", JSONData: data, SecureJSONData: d.secrets(),
	}))
	if status(err) == http.StatusConflict {
		return &Error{
			Problem: "Grafana has a data source " + d.Name + " that winback did not make",
			Way:     "rename or remove it, or give winback's another name: grafana.datasource.name", Cause: err,
		}
	}
	if err != nil {
		return g.explain("make the data source "+d.Name, err)
	}
	return nil
}

// updateDataSource changes what is there. Settings of the plugin that winback does
// not know stay.
func (g *Grafana) updateDataSource(ctx context.Context, have *models.DataSource, want map[string]any, change *Change, force bool) error {
	d := &g.settings.DataSource
	if have.Type != pluginID {
		return &Error{Problem: fmt.Sprintf("Grafana has a data source with the uid %s of another kind, %s", uid, have.Type), Way: "remove it"}
	}
	data, _ := have.JSONData.(map[string]any)
	same, err := equal(project(data, want), want)
	if err != nil {
		return err
	}
	mine, err := untouched(have, data, want)
	if err != nil {
		return err
	}
	same = same && have.Name == d.Name && have.Access == "proxy"
	switch {
	case have.ReadOnly:
		if !same {
			change.Action, change.Detail = Refused, "Grafana reads it from a file of its server; change it there"
		}
		return nil
	case same && data[secretsKey] == g.sealed():
		return nil
	case !same && !mine && !force:
		change.Action, change.Detail = Refused, "edited in Grafana"
		return nil
	case same:
		change.Detail = "secrets"
	}
	change.Action = Changed
	whole := maps.Clone(data)
	if whole == nil {
		whole = map[string]any{}
	}
	for _, key := range ourKeys {
		delete(whole, key)
	}
	marked, err := g.marked(want)
	if err != nil {
		return err
	}
	maps.Copy(whole, marked)
	_, err = g.datasources.UpdateDataSourceByUIDWithParams(datasources.NewUpdateDataSourceByUIDParamsWithContext(ctx).WithUID(uid).
		WithBody(&models.UpdateDataSourceCommand{
			UID: uid, Name: d.Name, Type: pluginID, Access: "proxy", IsDefault: have.IsDefault, JSONData: whole, SecureJSONData: d.secrets(), Version: have.Version,
		}))
	if err != nil {
		return g.explain("change the data source "+d.Name, err)
	}
	return nil
}

// ourKeys are the settings that winback writes or leaves out on purpose.
var ourKeys = []string{
	"host", "port", "protocol", "secure", "path", "username", "defaultDatabase", "dialTimeout", "queryTimeout",
	"customSettings", "httpHeaders", "tlsAuthWithCACert", writtenKey, secretsKey,
}

// project is what a data source has of the settings that winback writes.
func project(data, want map[string]any) map[string]any {
	had := map[string]any{}
	for _, key := range ourKeys {
		value, has := data[key]
		if _, wanted := want[key]; has && (wanted || !zero(value)) && key != writtenKey && key != secretsKey {
			had[key] = value
		}
	}
	return had
}

// zero tells a value that means the same as none.
func zero(value any) bool {
	list, isList := value.([]any)
	return value == nil || value == "" || value == false || isList && len(list) == 0
}

// marked are settings with winback's marks.
func (g *Grafana) marked(want map[string]any) (map[string]any, error) {
	print, err := fingerprint(map[string]any{"name": g.settings.DataSource.Name, "settings": want})
	data := maps.Clone(want)
	data[writtenKey], data[secretsKey] = print, g.sealed()
	return data, err
}

// untouched tells that name and settings are as winback wrote them.
func untouched(have *models.DataSource, data, want map[string]any) (bool, error) {
	print, err := fingerprint(map[string]any{"name": have.Name, "settings": project(data, want)})
	return data[writtenKey] == print, err
}

// sealed names the secrets without telling them: only who has the token can
// compute it.
func (g *Grafana) sealed() string {
	text, err := json.Marshal(g.settings.DataSource.secrets()) // keys are in order
	if err != nil {
		return ""
	}
	seal := hmac.New(sha256.New, []byte(g.settings.Token))
	seal.Write(text)
	return hex.EncodeToString(seal.Sum(nil)[:12])
}

// dataSourceProblem has Grafana try the data source. Where it may not be asked,
// nothing is known to be wrong.
func (g *Grafana) dataSourceProblem(ctx context.Context) string {
	_, err := g.datasources.CheckDatasourceHealthWithUIDWithParams(datasources.NewCheckDatasourceHealthWithUIDParamsWithContext(ctx).WithUID(uid))
	var refused *refusal
	if errors.As(err, &refused) && (refused.Status == http.StatusBadRequest || refused.Status >= 500) {
		return refused.Message
	}
	return ""
}

func equal(a, b any) (bool, error) {
	one, err := json.Marshal(a)
	if err != nil {
		return false, fmt.Errorf("write JSON: %w", err)
	}
	other, err := json.Marshal(b)
	if err != nil {
		return false, fmt.Errorf("write JSON: %w", err)
	}
	return string(one) == string(other), nil
}
