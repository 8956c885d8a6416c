package main

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What the manifests use of Kubernetes, and nothing else: a key that is not here is a
// slip of the pen, or wants a look at its documentation and a line here.

type kubeMeta struct {
	Name                string
	Labels, Annotations map[string]string
}

// KubeHead begins each document.
type KubeHead struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string
	Metadata   kubeMeta
}

type kubePod struct {
	Metadata kubeMeta
	Spec     struct {
		RestartPolicy     string `yaml:"restartPolicy"`
		AutomountToken    *bool  `yaml:"automountServiceAccountToken"`
		ServiceLinks      *bool  `yaml:"enableServiceLinks"`
		TerminationPeriod int    `yaml:"terminationGracePeriodSeconds"`
		Security          struct {
			RunAsNonRoot bool                  `yaml:"runAsNonRoot"`
			User         int                   `yaml:"runAsUser"`
			Group        int                   `yaml:"runAsGroup"`
			FSGroup      int                   `yaml:"fsGroup"`
			FSPolicy     string                `yaml:"fsGroupChangePolicy"`
			Seccomp      struct{ Type string } `yaml:"seccompProfile"`
		} `yaml:"securityContext"`
		Containers []kubeContainer
		Volumes    []kubeVolume
	}
}

type kubeContainer struct {
	Name, Image string
	Args        []string
	Env         []struct{ Name, Value string }
	EnvFrom     []struct {
		SecretRef struct{ Name string } `yaml:"secretRef"`
	} `yaml:"envFrom"`
	Ports []struct {
		Name          string
		ContainerPort int `yaml:"containerPort"`
	}
	Startup   kubeProbe `yaml:"startupProbe"`
	Liveness  kubeProbe `yaml:"livenessProbe"`
	Readiness kubeProbe `yaml:"readinessProbe"`
	Resources struct{ Requests, Limits map[string]string }
	Security  struct {
		Escalation   *bool `yaml:"allowPrivilegeEscalation"`
		ReadOnlyRoot bool  `yaml:"readOnlyRootFilesystem"`
		Capabilities struct{ Drop []string }
	} `yaml:"securityContext"`
	Mounts []struct {
		Name      string
		MountPath string `yaml:"mountPath"`
		ReadOnly  bool   `yaml:"readOnly"`
	} `yaml:"volumeMounts"`
}

type kubeProbe struct {
	HTTP     struct{ Path, Port string } `yaml:"httpGet"`
	Period   int                         `yaml:"periodSeconds"`
	Timeout  int                         `yaml:"timeoutSeconds"`
	Failures int                         `yaml:"failureThreshold"`
}

type kubeVolume struct {
	Name      string
	ConfigMap struct{ Name string } `yaml:"configMap"`
	EmptyDir  struct {
		SizeLimit string `yaml:"sizeLimit"`
	} `yaml:"emptyDir"`
	Claim struct {
		Name string `yaml:"claimName"`
	} `yaml:"persistentVolumeClaim"`
}

type kubeClaim struct {
	KubeHead `yaml:",inline"`
	Spec     struct {
		AccessModes []string `yaml:"accessModes"`
		Resources   struct{ Requests map[string]string }
	}
}

type kubeSelector struct {
	MatchLabels map[string]string `yaml:"matchLabels"`
}

type statefulSet struct {
	KubeHead `yaml:",inline"`
	Spec     struct {
		ServiceName string `yaml:"serviceName"`
		Replicas    int
		PodPolicy   string `yaml:"podManagementPolicy"`
		Selector    kubeSelector
		Template    kubePod
		Claims      []struct {
			Metadata kubeMeta
			Spec     struct {
				AccessModes []string `yaml:"accessModes"`
				Resources   struct{ Requests map[string]string }
			}
		} `yaml:"volumeClaimTemplates"`
	}
}

type cronJob struct {
	KubeHead `yaml:",inline"`
	Spec     struct {
		Schedule    string
		TimeZone    string `yaml:"timeZone"`
		Concurrency string `yaml:"concurrencyPolicy"`
		Deadline    int    `yaml:"startingDeadlineSeconds"`
		Successful  int    `yaml:"successfulJobsHistoryLimit"`
		Failed      int    `yaml:"failedJobsHistoryLimit"`
		Job         struct {
			Spec struct {
				Backoff  int `yaml:"backoffLimit"`
				Deadline int `yaml:"activeDeadlineSeconds"`
				Template kubePod
			}
		} `yaml:"jobTemplate"`
	}
}

type kubeService struct {
	KubeHead `yaml:",inline"`
	Spec     struct {
		Type     string
		Selector map[string]string
		Ports    []struct {
			Name       string
			Port       int
			TargetPort string `yaml:"targetPort"`
		}
	}
}

type networkPolicy struct {
	KubeHead `yaml:",inline"`
	Spec     struct {
		PodSelector     kubeSelector `yaml:"podSelector"`
		PolicyTypes     []string     `yaml:"policyTypes"`
		Ingress, Egress []struct {
			From, To []struct {
				Pods       kubeSelector `yaml:"podSelector"`
				Namespaces kubeSelector `yaml:"namespaceSelector"`
			}
			Ports []struct {
				Protocol string
				Port     int
			}
		}
	}
}

type kustomization struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string
	Namespace  string
	Resources  []string
	ConfigMaps []struct {
		Name  string
		Files []string
	} `yaml:"configMapGenerator"`
	Images []struct {
		Name    string
		NewName string `yaml:"newName"`
		NewTag  string `yaml:"newTag"`
	}
}

func TestDeployment_KubernetesEmbedded(t *testing.T) {
	k := kustomized(t, "kubernetes/embedded")
	var set statefulSet
	strictYAML(t, "kubernetes/embedded/statefulset.yaml", &set)
	var service kubeService
	strictYAML(t, "kubernetes/embedded/service.yaml", &service)
	var policy networkPolicy
	strictYAML(t, "kubernetes/embedded/networkpolicy.yaml", &policy)
	checkHead(t, set.KubeHead, "apps/v1", "StatefulSet")
	checkHead(t, service.KubeHead, "v1", "Service")
	if set.Spec.Replicas != 1 {
		t.Errorf("%d pods want the data of one engine", set.Spec.Replicas)
	}
	labels := set.Spec.Template.Metadata.Labels
	for what, selector := range map[string]map[string]string{"set": set.Spec.Selector.MatchLabels, "service": service.Spec.Selector, "policy": policy.Spec.PodSelector.MatchLabels} {
		if len(selector) == 0 || !maps.Equal(selector, labels) {
			t.Errorf("the %s is for %v, the pod has %v", what, selector, labels)
		}
	}
	var claims []string
	for _, c := range set.Spec.Claims {
		claims = append(claims, c.Metadata.Name)
	}
	pod := checkPod(t, set.Spec.Template, k, claims)
	ports := map[string]int{}
	for _, p := range pod.Ports {
		ports[p.Name] = p.ContainerPort
	}
	if ports["warehouse"] != 8123 || ports["status"] != 8124 {
		t.Errorf("the ports are %v", ports)
	}
	for _, p := range service.Spec.Ports {
		if ports[p.TargetPort] == 0 {
			t.Errorf("the service's port %s goes to %s", p.Name, p.TargetPort)
		}
	}
	for what, probe := range map[string]struct {
		kubeProbe
		path string
	}{"startup": {pod.Startup, "/healthz"}, "liveness": {pod.Liveness, "/healthz"}, "readiness": {pod.Readiness, "/readyz"}} {
		if probe.HTTP.Path != probe.path || probe.HTTP.Port != "status" {
			t.Errorf("%s asks %+v", what, probe.HTTP)
		}
	}
	checkPolicy(t, policy)
}

func TestDeployment_KubernetesServer(t *testing.T) {
	k := kustomized(t, "kubernetes/server")
	var job cronJob
	strictYAML(t, "kubernetes/server/cronjob.yaml", &job)
	var claim kubeClaim
	strictYAML(t, "kubernetes/server/home.yaml", &claim)
	var policy networkPolicy
	strictYAML(t, "kubernetes/server/networkpolicy.yaml", &policy)
	checkHead(t, job.KubeHead, "batch/v1", "CronJob")
	checkHead(t, claim.KubeHead, "v1", "PersistentVolumeClaim")
	if job.Spec.Concurrency != "Forbid" {
		t.Error("two runs may go on at once")
	}
	pod := job.Spec.Job.Spec.Template
	checkPod(t, pod, k, nil)
	if home := pod.Spec.Volumes[0]; home.Name != "home" || home.Claim.Name != claim.Metadata.Name {
		t.Errorf("the home is %+v", home)
	}
	if !maps.Equal(policy.Spec.PodSelector.MatchLabels, pod.Metadata.Labels) {
		t.Errorf("the policy is for %v, the pod has %v", policy.Spec.PodSelector.MatchLabels, pod.Metadata.Labels)
	}
	checkPolicy(t, policy)
}

func checkHead(t *testing.T, head KubeHead, version, kind string) {
	t.Helper()
	if head.APIVersion != version || head.Kind != kind || head.Metadata.Name == "" {
		t.Errorf("got %+v, want a %s of %s", head, kind, version)
	}
}

func checkPolicy(t *testing.T, p networkPolicy) {
	t.Helper()
	checkHead(t, p.KubeHead, "networking.k8s.io/v1", "NetworkPolicy")
	if !slices.Equal(p.Spec.PolicyTypes, []string{"Ingress", "Egress"}) {
		t.Errorf("the policy %s is of %v", p.Metadata.Name, p.Spec.PolicyTypes)
	}
}

// kustomized says whether a folder's files are all part of it and what it names is
// there.
func kustomized(t *testing.T, folder string) kustomization {
	t.Helper()
	var k kustomization
	strictYAML(t, folder+"/kustomization.yaml", &k)
	named := append([]string{"kustomization.yaml"}, k.Resources...)
	for _, c := range k.ConfigMaps {
		named = append(named, c.Files...)
	}
	entries, err := os.ReadDir(filepath.Join(deployed, folder))
	if err != nil {
		t.Fatal(err)
	}
	var there []string
	for _, e := range entries {
		there = append(there, e.Name())
	}
	slices.Sort(named)
	if !slices.Equal(named, there) {
		t.Errorf("%s has %v and names %v", folder, there, named)
	}
	for _, i := range k.Images {
		checkPinned(t, i.NewName+":"+i.NewTag)
	}
	var top kustomization
	strictYAML(t, "kubernetes/kustomization.yaml", &top)
	if !slices.Equal(top.Resources, []string{"embedded"}) {
		t.Errorf("the folder stands for %v", top.Resources)
	}
	return k
}

// checkPod says whether a pod has no more rights than it needs, and all that the
// program wants of it.
func checkPod(t *testing.T, pod kubePod, k kustomization, claims []string) kubeContainer {
	t.Helper()
	s := pod.Spec.Security
	if !s.RunAsNonRoot || s.User != 10001 || s.FSGroup != 10001 || s.Seccomp.Type != "RuntimeDefault" || pod.Spec.AutomountToken == nil || *pod.Spec.AutomountToken {
		t.Errorf("the pod has more rights than it needs: %+v", s)
	}
	if len(pod.Spec.Containers) != 1 {
		t.Fatalf("%d containers", len(pod.Spec.Containers))
	}
	c := pod.Spec.Containers[0]
	if c.Security.Escalation == nil || *c.Security.Escalation || !c.Security.ReadOnlyRoot || !slices.Equal(c.Security.Capabilities.Drop, []string{"ALL"}) {
		t.Errorf("the container has more rights than it needs: %+v", c.Security)
	}
	for _, of := range []string{"cpu", "memory", "ephemeral-storage"} {
		if c.Resources.Limits[of] == "" || c.Resources.Requests[of] == "" {
			t.Errorf("no limit of %s", of)
		}
	}
	if !slices.ContainsFunc(k.Images, func(i struct {
		Name    string
		NewName string `yaml:"newName"`
		NewTag  string `yaml:"newTag"`
	}) bool {
		return i.Name == c.Image
	}) || strings.Contains(c.Image, ":") {
		t.Errorf("image %s is not set by the kustomization", c.Image)
	}
	checkCommand(t, "container "+c.Name, append(containerInstruction(t, "ENTRYPOINT"), c.Args...))
	checkMounts(t, c, pod.Spec.Volumes, k, claims)
	return c
}

// checkMounts says whether the program may write where it has to, and finds its
// configuration.
func checkMounts(t *testing.T, c kubeContainer, volumes []kubeVolume, k kustomization, claims []string) {
	t.Helper()
	byName := map[string]kubeVolume{}
	for _, v := range volumes {
		byName[v.Name] = v
	}
	at := map[string]bool{} // read-only, by path
	for _, m := range c.Mounts {
		at[m.MountPath] = m.ReadOnly
		if _, is := byName[m.Name]; !is && !slices.Contains(claims, m.Name) {
			t.Errorf("%s is mounted, which is no volume", m.Name)
		}
	}
	for path, readOnly := range map[string]bool{deployedHome: false, filepath.Dir(deployedConfig): true, "/tmp": false, "/data": true} {
		if got, is := at[path]; !is || got != readOnly {
			t.Errorf("%s: mounted %v, read-only %v", path, is, got)
		}
	}
	if name := byName["config"].ConfigMap.Name; len(k.ConfigMaps) != 1 || k.ConfigMaps[0].Name != name || !slices.Equal(k.ConfigMaps[0].Files, []string{filepath.Base(deployedConfig)}) {
		t.Errorf("the configuration is %q, the kustomization makes %+v", name, k.ConfigMaps)
	}
}
