// Draws objects and prints what Flux's status rules say of them, one line each.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log"
	"math/rand"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"github.com/fluxcd/pkg/runtime/statusreaders"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

type object = map[string]any

// How often each sentence has to occur.
const enough = 5

var (
	numbers = regexp.MustCompile(`phase: .*|[A-Za-z]+ generation|-?[0-9][0-9.]*|map\[.*\]|\[.*\]|: .* is of the type|[a-z0-9]+ name$|c[12](,c1)?$`)
	// These are said of every kind, and what is wrong in as many words as there are types.
	general = regexp.MustCompile(`It says so|It is so|: $|scheduled for deletion|# is #|^Unknown: [a-z]+`)
)

// What is said of an object.
type answer struct {
	Object  object `json:"object"`
	Status  string `json:"status"`
	Message string `json:"message"`
}

type artist struct{ *rand.Rand }

func main() {
	count, err := strconv.Atoi(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	draw := artist{rand.New(rand.NewSource(1))}
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	lines := json.NewEncoder(out)
	said := map[string]int{}
	for i := 0; i < count; i++ {
		value := draw.object()
		if i%3 == 0 {
			draw.accident(value)
		}
		answer, ok := judge(value)
		if !ok {
			continue
		}
		said[sentence(answer)]++
		if err := lines.Encode(answer); err != nil {
			log.Fatal(err)
		}
	}
	rare := 0
	for text, times := range said {
		fmt.Fprintf(os.Stderr, "%5d %s\n", times, text)
		if times < enough {
			rare++
		}
	}
	if rare > 0 {
		out.Flush()
		log.Fatalf("%d sentences were said less than %d times", rare, enough)
	}
}

// A sentence without its numbers and values.
func sentence(answer answer) string {
	text := answer.Status + ": " + numbers.ReplaceAllString(answer.Message, "#")
	if found := general.FindString(text); found != "" {
		return found
	}
	return answer.Object["kind"].(string) + " " + text
}

// Gives nothing where the original panics: an API server takes no such Pods.
func judge(value object) (said answer, ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	return compute(value), true
}

func compute(value object) answer {
	// As an API server's answer is read.
	text, err := json.Marshal(value)
	if err != nil {
		log.Fatal(err)
	}
	read := &unstructured.Unstructured{}
	if err := read.UnmarshalJSON(text); err != nil {
		log.Fatal(err)
	}
	if read.GroupVersionKind().Group == "batch" && read.GetKind() == "Job" {
		result := statusreaders.ComputeJobStatus(read)
		// The reader of statuses gives what is wrong without these words.
		return answer{value, result.Status.String(), strings.TrimPrefix(result.Message, "Failed to compute job status: ")}
	}
	result, err := status.Compute(read)
	if err != nil {
		return answer{value, "Unknown", err.Error()}
	}
	return answer{value, result.Status.String(), result.Message}
}

func (draw artist) object() object {
	kinds := []func() object{
		draw.deployment, draw.deployment, draw.statefulSet, draw.statefulSet, draw.daemonSet, draw.replicaSet, draw.pod, draw.pod,
		draw.claim, draw.service, draw.job, draw.job, draw.definition, draw.custom, draw.custom, draw.ready,
	}
	value := kinds[draw.Intn(len(kinds))]()
	metadata := object{"name": "a", "creationTimestamp": "2020-01-01T00:00:00Z"}
	if draw.Intn(8) == 0 {
		metadata["creationTimestamp"] = "2999-01-01T00:00:00Z"
	}
	if draw.Intn(20) == 0 {
		metadata["deletionTimestamp"] = "2020-01-01T00:00:00Z"
	}
	if draw.Intn(4) != 0 {
		metadata["generation"] = 1 + draw.Intn(2)
	}
	value["metadata"] = metadata
	if state, ok := value["status"].(object); ok && draw.Intn(3) != 0 {
		state["observedGeneration"] = 2 - draw.Intn(12)/11
		metadata["generation"] = 2
	}
	if draw.Intn(12) == 0 {
		delete(value, "status")
	}
	return value
}

func kind(apiVersion, kind string, spec, state object) object {
	return object{"apiVersion": apiVersion, "kind": kind, "spec": spec, "status": state}
}

// Numbers that are mostly alike.
func (draw artist) numbers(fields ...string) object {
	value := object{}
	usual := draw.Intn(4)
	for _, field := range fields {
		switch draw.Intn(12) {
		case 0:
		case 1:
			value[field] = draw.Intn(4)
		default:
			value[field] = usual
		}
	}
	return value
}

func (draw artist) some(value object, field string, values ...any) {
	if chosen := values[draw.Intn(len(values))]; chosen != nil {
		value[field] = chosen
	}
}

func (draw artist) conditions(state object, types []string, reasons ...string) {
	list := []any{}
	for _, name := range types {
		if draw.Intn(4) == 0 {
			continue
		}
		condition := object{"type": name, "status": []string{"True", "True", "True", "False", "Unknown"}[draw.Intn(5)]}
		draw.some(condition, "reason", any(reasons[draw.Intn(len(reasons))]), any(reasons[draw.Intn(len(reasons))]), nil)
		draw.some(condition, "message", any("It is so."), nil)
		list = append(list, condition)
	}
	if draw.Intn(25) == 0 {
		name := []string{"Reconciling", "Stalled"}[draw.Intn(2)]
		list = append(list, object{"type": name, "status": "True", "message": "It says so."})
	}
	if len(list) > 0 || draw.Intn(2) == 0 {
		state["conditions"] = list
	}
}

func (draw artist) deployment() object {
	state := draw.numbers("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
	spec := object{}
	draw.some(spec, "replicas", state["replicas"], state["replicas"], state["replicas"], draw.Intn(4))
	draw.some(spec, "progressDeadlineSeconds", 600, 600, 2147483647, nil)
	draw.conditions(state, []string{"Progressing", "Available"}, "NewReplicaSetAvailable", "NewReplicaSetAvailable",
		"NewReplicaSetAvailable", "ReplicaSetUpdated", "ProgressDeadlineExceeded")
	return kind([]string{"apps/v1", "apps/v1", "extensions/v1beta1"}[draw.Intn(3)], "Deployment", spec, state)
}

func (draw artist) statefulSet() object {
	state := draw.numbers("replicas", "updatedReplicas", "readyReplicas", "currentReplicas")
	spec := object{}
	draw.some(spec, "replicas", state["replicas"], state["replicas"], state["replicas"], draw.Intn(4))
	strategy := object{}
	draw.some(strategy, "type", "RollingUpdate", "RollingUpdate", "RollingUpdate", "RollingUpdate", "OnDelete", nil)
	if draw.Intn(2) == 0 {
		rolling := object{}
		draw.some(rolling, "partition", -1, 0, 0, 0, 1, 2, nil)
		strategy["rollingUpdate"] = rolling
		state["updatedReplicas"] = draw.Intn(4)
	}
	spec["updateStrategy"] = strategy
	draw.some(state, "currentRevision", "a", "a", nil)
	draw.some(state, "updateRevision", "a", "a", "b", nil)
	draw.conditions(state, nil, "")
	return kind("apps/v1", "StatefulSet", spec, state)
}

func (draw artist) daemonSet() object {
	state := draw.numbers("desiredNumberScheduled", "currentNumberScheduled", "updatedNumberScheduled", "numberAvailable", "numberReady")
	draw.conditions(state, nil, "")
	return kind("apps/v1", "DaemonSet", object{}, state)
}

func (draw artist) replicaSet() object {
	state := draw.numbers("replicas", "readyReplicas", "availableReplicas", "fullyLabeledReplicas")
	spec := object{}
	draw.some(spec, "replicas", state["replicas"], state["replicas"], state["replicas"], draw.Intn(4))
	if draw.Intn(4) == 0 {
		draw.conditions(state, []string{"ReplicaFailure"}, "FailedCreate")
	}
	return kind("apps/v1", "ReplicaSet", spec, state)
}

func (draw artist) pod() object {
	state := object{}
	draw.some(state, "phase", "Running", "Running", "Running", "Pending", "Pending", "Succeeded", "Failed", "Unknown", nil)
	draw.conditions(state, []string{"PodScheduled", "Ready"}, "Unschedulable", "SchedulingGated")
	if state["phase"] == "Pending" && draw.Intn(2) == 0 {
		state["conditions"] = []any{object{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}}
	}
	containers := []any{}
	for i := draw.Intn(3); i > 0; i-- {
		container := object{}
		draw.some(container, "name", fmt.Sprint("c", i), fmt.Sprint("c", i), nil)
		draw.some(container, "state", object{"waiting": object{"reason": "CrashLoopBackOff"}},
			object{"waiting": object{"reason": "ContainerCreating"}}, object{"waiting": object{}}, object{"running": object{}}, nil)
		containers = append(containers, container)
	}
	if len(containers) > 0 {
		state["containerStatuses"] = containers
	}
	return kind("v1", "Pod", object{}, state)
}

func (draw artist) claim() object {
	state := object{}
	draw.some(state, "phase", "Bound", "Bound", "Pending", "Pending", "Lost", nil)
	return kind("v1", "PersistentVolumeClaim", object{}, state)
}

func (draw artist) service() object {
	spec := object{}
	draw.some(spec, "type", "LoadBalancer", "LoadBalancer", "ClusterIP", nil)
	draw.some(spec, "clusterIP", "10.0.0.1", "", nil)
	return kind("v1", "Service", spec, object{"loadBalancer": object{}})
}

func (draw artist) job() object {
	state, spec := object{}, object{}
	for _, field := range []string{"active", "succeeded", "failed"} {
		draw.some(state, field, 1, 2, nil)
	}
	for _, field := range []string{"parallelism", "completions"} {
		draw.some(spec, field, 1, 3, nil)
	}
	draw.some(spec, "suspend", true, false, nil, nil)
	draw.some(state, "startTime", "2020-01-01T00:00:00Z", nil)
	if draw.Intn(2) == 0 {
		draw.conditions(state, []string{"Complete", "Failed", "FailureTarget"}, "BackoffLimitExceeded")
	}
	return kind("batch/v1", "Job", spec, state)
}

func (draw artist) definition() object {
	state := object{}
	draw.conditions(state, []string{"NamesAccepted", "Established"}, "NoConflicts", "Installing", "NotAccepted")
	return kind("apiextensions.k8s.io/v1", "CustomResourceDefinition", object{}, state)
}

func (draw artist) custom() object {
	state := object{}
	draw.conditions(state, []string{"Other", "Ready"}, "Done", "Working")
	return kind("example.com/v1", []string{"Widget", "Deployment", "Job"}[draw.Intn(3)], object{}, state)
}

func (draw artist) ready() object {
	kinds := [][2]string{{"v1", "Secret"}, {"v1", "ConfigMap"}, {"policy/v1", "PodDisruptionBudget"}, {"batch/v1", "CronJob"}, {"v1", "Namespace"}}
	chosen := kinds[draw.Intn(len(kinds))]
	state := object{}
	draw.conditions(state, []string{"Ready"}, "Done")
	return kind(chosen[0], chosen[1], object{}, state)
}

// Puts a value of another type somewhere, mostly below status.
func (draw artist) accident(value object) {
	path := []string{"status", "status", "status", "spec"}[draw.Intn(4)]
	odd := []any{"text", "", 7, -1, 1.5, true, nil, []any{}, []any{"a"}, []any{object{}}, object{}, object{"a": 1}}[draw.Intn(12)]
	below, isObject := value[path].(object)
	if !isObject || len(below) == 0 || draw.Intn(10) == 0 {
		value[path] = odd
		return
	}
	draw.twist(below, odd)
}

func (draw artist) twist(value object, odd any) {
	names := []string{"conditions", "observedGeneration"}
	for name := range value {
		names = append(names, name)
	}
	// The order of a map is not to decide.
	slices.Sort(names)
	name := names[draw.Intn(len(names))]
	switch inner := value[name].(type) {
	case object:
		if len(inner) > 0 && draw.Intn(2) == 0 {
			draw.twist(inner, odd)
			return
		}
	case []any:
		if len(inner) > 0 && draw.Intn(4) != 0 {
			place := draw.Intn(len(inner))
			if below, ok := inner[place].(object); ok && draw.Intn(4) != 0 {
				draw.twist(below, odd)
			} else {
				inner[place] = odd
			}
			return
		}
	}
	value[name] = odd
}
