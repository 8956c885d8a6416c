package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"winback/pipelines"
	"winback/pipelines/status"
	"winback/pipelines/warehouse"
)

// diagnosis is one thing that doctor looked at.
type diagnosis struct {
	What string `json:"what"`
	OK   bool   `json:"ok"`
	Text string `json:"text"`
	// Unchecked says that there was nothing to look at.
	Unchecked bool `json:"unchecked,omitempty"`
}

func (a *app) doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use: "doctor", Short: "Look at everything a run needs, and say what to do about what is wrong", Args: noArguments,
		Long: `doctor looks at engine, disk, clock, sources and warehouse, and at what winback serve needs: Grafana,
mail, users, schedule, backups. Each is ok, or it says what to do; - stands before what is not
configured or could not be looked at. It changes nothing and sends nothing. The exit code is 1 when
something is wrong.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			found := a.diagnose(cmd.Context())
			if err := a.printDiagnoses(found); err != nil {
				return err
			}
			for _, d := range found {
				if !d.OK {
					return errReported
				}
			}
			return cmd.Context().Err()
		},
	}
}

func (a *app) diagnose(ctx context.Context) []diagnosis {
	found := []diagnosis{diagnoseEngine()}
	project, err := a.project()
	if err != nil {
		return append(found, failing("configuration", err))
	}
	found = append(found,
		diagnosis{What: "configuration", OK: true, Text: fmt.Sprintf("%s, %d sources, as of %s", project.Config.Path, len(project.Sources), project.Config.AsOf)},
		diagnoseHome(project.Home, int64(project.Config.Alarms.DiskFree)), diagnoseClock(a, project))
	if project.Zone.Remote() {
		found = append(found, diagnoseBucket(ctx, project))
	}
	for _, s := range project.Sources {
		found = append(found, diagnoseSource(ctx, s)...)
	}
	found = append(found, diagnoseWarehouse(ctx, project)...)
	return append(found, a.diagnoseService(ctx, project)...)
}

func failing(what string, err error) diagnosis { return diagnosis{What: what, Text: err.Error()} }

func diagnoseEngine() diagnosis {
	library, err := warehouse.FindLibrary()
	if err != nil {
		return failing("engine", err)
	}
	return diagnosis{What: "engine", OK: true, Text: fmt.Sprintf("%s %s", library.Path, library.Version)}
}

// minimumDisk is what a small project takes with the room to build its largest
// table aside.
const minimumDisk = 1 << 30

func diagnoseHome(home string, wanted int64) diagnosis {
	what := "disk"
	if err := os.MkdirAll(home, 0o755); err != nil {
		return failing(what, err)
	}
	probe, err := os.CreateTemp(home, ".doctor-*")
	if err != nil {
		return failing(what, fmt.Errorf("%s is not writable: %w", home, err))
	}
	defer os.Remove(probe.Name())
	if err := probe.Close(); err != nil {
		return failing(what, err)
	}
	free, _, err := status.DiskOf(home)
	if err != nil {
		return failing(what, err)
	}
	if free < uint64(max(minimumDisk, wanted)) {
		return diagnosis{What: what, Text: fmt.Sprintf("%s has %d MiB free; make room or choose another --home", home, free>>20)}
	}
	return diagnosis{What: what, OK: true, Text: fmt.Sprintf("%s is writable, %d GiB free", home, free>>30)}
}

// diagnoseClock compares the clock with the landing zone: a clock that went back
// shows the wrong day, and so a wrong as_of.
func diagnoseClock(a *app, project *pipelines.Project) diagnosis {
	now := a.now()
	info, err := os.Stat(filepath.Join(project.Home, "landing"))
	if err == nil && info.ModTime().After(now) {
		return diagnosis{What: "clock", Text: fmt.Sprintf("it is %s, and the landing zone was written later, at %s: set the clock",
			now.Format("2006-01-02 15:04"), info.ModTime().Format("2006-01-02 15:04"))}
	}
	return diagnosis{What: "clock", OK: true, Text: fmt.Sprintf("%s in %s", now.In(project.Config.Location).Format("2006-01-02 15:04"), project.Config.Timezone)}
}

// diagnoseBucket tries on an object of its own what runs depend on.
func diagnoseBucket(ctx context.Context, project *pipelines.Project) diagnosis {
	what := "landing zone"
	if err := project.Zone.Probe(ctx); err != nil {
		return failing(what, err)
	}
	return diagnosis{What: what, OK: true, Text: project.Config.Landing.URL + " can be written and read, and keeps to conditions"}
}

func diagnoseSource(ctx context.Context, s pipelines.Source) []diagnosis {
	findings := checkSource(ctx, s, checkWithin, nil)
	for i := range findings {
		findings[i].Rows = nil // which doctor does not show
	}
	var list []diagnosis
	for _, f := range brief(findings) {
		list = append(list, diagnosis{What: findingName(s.Name, f), OK: f.OK, Text: f.Text})
	}
	return list
}

// diagnoseWarehouse asks the warehouse and, where it is on a cluster, how that does.
func diagnoseWarehouse(ctx context.Context, project *pipelines.Project) (list []diagnosis) {
	const what = "warehouse"
	w, err := project.OpenWarehouse(ctx, warehouse.ForQuery)
	if err != nil {
		return []diagnosis{failing(what, err)}
	}
	defer func() {
		if err := w.Close(); err != nil {
			list = append(list, failing(what, err))
		}
	}()
	v, err := w.ServerVersion()
	if err != nil {
		return []diagnosis{failing(what, err)}
	}
	list = []diagnosis{{What: what, OK: true, Text: fmt.Sprintf("ClickHouse %s answers at %s", v.Version, w.Address())}}
	return append(list, diagnoseCluster(ctx, project, w)...)
}

// diagnoseCluster tells of each thing that is stuck on a cluster.
func diagnoseCluster(ctx context.Context, project *pipelines.Project, w *warehouse.Warehouse) []diagnosis {
	what := "cluster " + project.Config.Warehouse.Cluster
	if project.Config.Warehouse.Cluster == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, diagnoseTime)
	defer cancel()
	troubles, err := project.ClusterTroubles(ctx, w)
	var list []diagnosis
	for _, text := range troubles {
		list = append(list, diagnosis{What: what, Text: text})
	}
	switch {
	case err != nil:
		list = append(list, failing(what, err))
	case len(list) == 0:
		list = append(list, diagnosis{What: what, OK: true, Text: "every server answers, nothing ON CLUSTER is stuck, no replica lags behind"})
	}
	return list
}

func (a *app) printDiagnoses(found []diagnosis) error {
	if a.json {
		return a.printJSON(found)
	}
	width := 0
	for _, d := range found {
		width = max(width, len(d.What))
	}
	for _, d := range found {
		state := mark(d.OK)
		if d.Unchecked {
			state = "-   "
		}
		fmt.Fprintf(a.stdout, "%s  %-*s  %s\n", state, width, d.What, d.Text)
	}
	return nil
}
