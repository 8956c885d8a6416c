package config

import (
	"fmt"
	"regexp"
	"strings"

	"winback/connectors"
	"winback/connectors/spec"
)

var sourceName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)

// SourceSettings are the keys every source has, whatever its connector; a connector cannot use them for its own.
type SourceSettings struct {
	Connector  string      `yaml:"connector" required:"true" doc:"what kind of source it is" example:"files"`
	Quarantine *Quarantine `yaml:"quarantine" doc:"a limit of its own for this source"`
	Deletions  Deletions   `yaml:"deletions" doc:"how many records may be marked as deleted when their keys are no longer in the source"`
}

// settingsOfSources are the keys of SourceSettings.
var settingsOfSources = []string{"connector", "quarantine", "deletions"}

// Deletions guards against a source that seems to have lost its records when it is only
// that the account does not see them.
type Deletions struct {
	Limit spec.Percent `yaml:"limit" default:"20%" doc:"share of an entity's records that may be marked at once; of more, none is"`
	From  int          `yaml:"from" default:"20" doc:"records that the limit counts from: fewer are always marked"`
}

// Validate checks that the limit is a share.
func (d *Deletions) Validate(n spec.Node, errs *spec.Errors) {
	checkShare(d.Limit, n.Get("limit"), errs)
	if d.From < 0 {
		errs.Addf(n.Get("from"), "wants a number from 0")
	}
}

// sources decodes each source by its connector's struct.
func (c *Config) sources(registry *connectors.Registry, errs *spec.Errors) {
	for _, entry := range c.SourceMaps.Entries {
		if !sourceName.MatchString(entry.Key) {
			errs.Addf(entry.Node.Key(), "the name of a source wants small Latin letters, digits and _, beginning with a letter")
		}
		if source, ok := c.source(entry, registry, errs); ok {
			c.Sources = append(c.Sources, source)
		}
	}
}

func (c *Config) source(entry spec.Entry[spec.Node], registry *connectors.Registry, errs *spec.Errors) (Source, bool) {
	node := entry.Node.Labelled(fmt.Sprintf("source %q", entry.Key))
	if node.Kind() != spec.Mapping {
		errs.Addf(node, "wants a map of keys that begins with connector (one of: %s)", strings.Join(registry.Names(), ", "))
		return Source{}, false
	}
	var common SourceSettings
	only(node, settingsOfSources...).Decode(&common, errs)
	if common.Connector == "" {
		return Source{}, false
	}
	connector := registry.Lookup(common.Connector)
	if connector == nil {
		errs.Addf(node.Get("connector"), "unknown connector %q%s", common.Connector, spec.Hint(common.Connector, registry.Names()))
		return Source{}, false
	}
	source := Source{
		Name: entry.Key, Connector: connector, Config: connector.NewConfig(),
		QuarantineLimit: c.Quarantine.Limit, QuarantineFrom: c.Quarantine.From, Deletions: common.Deletions, Node: node,
	}
	if common.Quarantine != nil {
		source.QuarantineLimit, source.QuarantineFrom = common.Quarantine.Limit, common.Quarantine.From
	}
	node.Without(settingsOfSources...).Decode(source.Config, errs)
	return source, true
}

// only is a map with no other keys than these.
func only(n spec.Node, keep ...string) spec.Node {
	var others []string
next:
	for _, key := range n.Keys() {
		for _, kept := range keep {
			if key == kept {
				continue next
			}
		}
		others = append(others, key)
	}
	return n.Without(others...)
}
