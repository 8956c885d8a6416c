package status

import (
	"errors"
	"net/http"

	"winback/pipelines/schedule"
)

// act does what a form of the page asks for: run, pause or resume a job.
func (s *Server) act(w http.ResponseWriter, r *http.Request) {
	viewer, job, action := viewerOf(r), r.PathValue("job"), r.PathValue("action")
	switch {
	case !viewer.Admin:
		http.Error(w, "Only an admin may do that; from the command line: winback schedule.", http.StatusForbidden)
		return
	case !s.tokenFits(viewer, r.PostFormValue("token")):
		http.Error(w, "The page is too old for that: load it again.", http.StatusForbidden)
		return
	case s.o.Jobs == nil:
		http.Error(w, "There is no schedule.", http.StatusNotFound)
		return
	}
	var err error
	switch action {
	case "run":
		err = s.o.Jobs.Trigger(job)
	case "pause", "resume":
		err = s.o.Jobs.Pause(job, action == "pause")
	default:
		http.NotFound(w, r)
		return
	}
	switch {
	case errors.Is(err, schedule.ErrUnknownJob):
		http.Error(w, err.Error(), http.StatusNotFound)
	case errors.Is(err, schedule.ErrBusy), errors.Is(err, schedule.ErrNotRunning):
		http.Error(w, err.Error(), http.StatusConflict)
	case err != nil:
		s.o.Logger.Error("a job could not be changed from the status page", "job", job, "action", action, "error", err)
		http.Error(w, "It could not be done; the log says why.", http.StatusInternalServerError)
	default:
		s.o.Logger.Info("a job was changed from the status page", "job", job, "action", action, "user", viewer.Name)
		http.Redirect(w, r, "/", http.StatusSeeOther)
	}
}
