// Command deprecations prints the kinds whose API version Kubernetes means to drop, as Helm's linter knows them:
// apiVersion, kind, the version since when, and the warning, separated by tabs.
package main

import (
	"fmt"
	"sort"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/endpoints/deprecation"
	kscheme "k8s.io/client-go/kubernetes/scheme"
)

func main() {
	scheme := runtime.NewScheme()
	kscheme.AddToScheme(scheme)
	var lines []string
	for kind := range scheme.AllKnownTypes() {
		if line, ok := describe(scheme, kind); ok {
			lines = append(lines, line)
		}
	}
	sort.Strings(lines)
	for _, line := range lines {
		fmt.Println(line)
	}
}

func describe(scheme *runtime.Scheme, kind schema.GroupVersionKind) (string, bool) {
	object, err := scheme.New(kind)
	if err != nil {
		return "", false
	}
	object.GetObjectKind().SetGroupVersionKind(kind)
	deprecated, ok := object.(interface{ APILifecycleDeprecated() (int, int) })
	if !ok {
		return "", false
	}
	major, minor := deprecated.APILifecycleDeprecated()
	version, name := kind.ToAPIVersionAndKind()
	warning := deprecation.WarningMessage(object)
	return fmt.Sprintf("%s\t%s\t%d.%d\t%s", version, name, major, minor, warning), true
}
