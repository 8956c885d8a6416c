package grafanatest

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

var ruleFields = []string{
	"uid", "title", "orgID", "folderUID", "ruleGroup", "condition", "data", "noDataState", "execErrState", "for", "annotations", "labels", "isPaused",
	"notification_settings", "provenance", "updated", "id",
}

func (s *Server) getContacts(*http.Request) (int, any) {
	all := []map[string]any{{"uid": "default", "name": "grafana-default-email", "type": "email", "settings": map[string]any{"addresses": "<example@email.com>"}}}
	for _, c := range s.contacts {
		c = copied(c)
		c["provenance"] = s.provenances[text(c, "uid")]
		all = append(all, c)
	}
	return http.StatusOK, all
}

func (s *Server) postContact(r *http.Request) (int, any) {
	body, err := readContact(r)
	if err != nil {
		return refuse("%v", err)
	}
	if slices.ContainsFunc(s.contacts, func(c map[string]any) bool { return c["uid"] == body["uid"] }) {
		return refuse("invalid object specification: uid is taken")
	}
	s.contacts = append(s.contacts, body)
	s.provenances[text(body, "uid")] = "api"
	return http.StatusAccepted, body
}

func (s *Server) putContact(r *http.Request) (int, any) {
	body, err := readContact(r)
	at := slices.IndexFunc(s.contacts, func(c map[string]any) bool { return c["uid"] == r.PathValue("uid") })
	switch {
	case err != nil:
		return refuse("%v", err)
	case at < 0:
		return http.StatusNotFound, message("contact point not found")
	}
	s.contacts[at] = body
	return http.StatusAccepted, map[string]string{"message": "contactpoint updated"}
}

func readContact(r *http.Request) (map[string]any, error) {
	body, err := read(r, "uid", "name", "type", "settings", "disableResolveMessage")
	if err != nil {
		return nil, err
	}
	settings, _ := body["settings"].(map[string]any)
	wants := map[string]string{"email": "addresses", "webhook": "url"}[text(body, "type")]
	if wants == "" || text(body, "name") == "" || text(settings, wants) == "" {
		return nil, fmt.Errorf("invalid object specification: could not find %s in settings", wants)
	}
	return body, nil
}

func (s *Server) getGroup(r *http.Request) (int, any) {
	if s.group == nil || r.PathValue("folder") != s.group["folderUid"] || r.PathValue("group") != s.group["title"] {
		return http.StatusNotFound, message("rule group not found")
	}
	return http.StatusOK, s.group
}

func (s *Server) putGroup(r *http.Request) (int, any) {
	body, err := read(r, "title", "folderUid", "interval", "rules")
	switch {
	case err != nil:
		return refuse("%v", err)
	case s.folders[r.PathValue("folder")] == nil:
		return refuse("folder not found")
	case number(body, "interval") < 10 || number(body, "interval")%10 != 0:
		return refuse("interval has to be a multiple of 10 seconds")
	}
	rules, _ := body["rules"].([]any)
	for _, item := range rules {
		rule, _ := item.(map[string]any)
		if err := s.checkRule(rule, r.PathValue("folder"), r.PathValue("group")); err != nil {
			return refuse("invalid alert rule: %v", err)
		}
		wait, _ := time.ParseDuration(text(rule, "for"))
		rule["for"], rule["provenance"], rule["updated"], rule["id"] = fmt.Sprintf("%ds", int(wait.Seconds())), "api", "2026-03-04T05:06:00Z", 1
		for _, step := range rule["data"].([]any) { // the server adds what its editor would
			step.(map[string]any)["queryType"] = ""
		}
	}
	s.group = body
	return http.StatusOK, body
}

func (s *Server) checkRule(rule map[string]any, folder, group string) error {
	if err := only(rule, ruleFields...); err != nil {
		return err
	}
	for _, key := range []string{"title", "uid", "condition"} {
		if text(rule, key) == "" {
			return fmt.Errorf("%s is required", key)
		}
	}
	if len(text(rule, "uid")) > 40 || rule["folderUID"] != folder || rule["ruleGroup"] != group || number(rule, "orgID") == 0 {
		return fmt.Errorf("uid, folder, group or organisation is wrong")
	}
	if !slices.Contains([]string{"NoData", "Alerting", "OK"}, text(rule, "noDataState")) || !slices.Contains([]string{"Error", "Alerting", "OK"}, text(rule, "execErrState")) {
		return fmt.Errorf("unknown state")
	}
	if _, err := time.ParseDuration(text(rule, "for")); err != nil {
		return fmt.Errorf("for: %w", err)
	}
	return s.checkRuleUses(rule)
}

// checkRuleUses looks for what a rule names: its condition, data sources, receiver.
func (s *Server) checkRuleUses(rule map[string]any) error {
	steps, _ := rule["data"].([]any)
	seen := map[any]bool{"A": false}
	for _, item := range steps {
		step, _ := item.(map[string]any)
		if err := only(step, "refId", "datasourceUid", "relativeTimeRange", "model", "queryType"); err != nil {
			return err
		}
		model, _ := step["model"].(map[string]any)
		from := text(step, "datasourceUid")
		if model["refId"] != step["refId"] || from != "__expr__" && s.sources[from] == nil {
			return fmt.Errorf("step %v asks a data source %q that is not there", step["refId"], from)
		}
		if expression := model["expression"]; from == "__expr__" && !seen[expression] {
			return fmt.Errorf("step %v uses %v, which does not come before", step["refId"], expression)
		}
		seen[step["refId"]] = true
	}
	if !seen[rule["condition"]] {
		return fmt.Errorf("condition %v is no step", rule["condition"])
	}
	settings, _ := rule["notification_settings"].(map[string]any)
	receiver := text(settings, "receiver")
	known := receiver == "" || receiver == "grafana-default-email" || slices.ContainsFunc(s.contacts, func(c map[string]any) bool { return c["name"] == receiver })
	if !known {
		return fmt.Errorf("receiver %q does not exist", receiver)
	}
	return nil
}

// Rule is an alert rule, to look at or change as a user would who unlocked it.
func (s *Server) Rule(uid string) map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.group != nil {
		for _, item := range s.group["rules"].([]any) {
			if rule := item.(map[string]any); rule["uid"] == uid {
				return rule
			}
		}
	}
	s.t.Fatalf("there is no alert rule %s", uid)
	return nil
}

// AddRule puts a rule of somebody else's into the group.
func (s *Server) AddRule(rule map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.group["rules"] = append(s.group["rules"].([]any), rule)
}
