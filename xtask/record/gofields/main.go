// Prints, for every Go struct behind the built-in kinds, how each JSON field is encoded: the part of the API's
// behaviour that its OpenAPI documents do not tell. `cargo xtask record openapi` merges it into the recorded schema.
//
// A code is a letter for the Go type (b bool, n number, s string, l list, m map, y bytes, p pointer, o struct, t time,
// d duration, q quantity, i int-or-string, r raw JSON), then `?` for omitempty or `0` for omitzero.
package main

import (
	"encoding/json"
	"os"
	"reflect"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
)

var special = map[string]string{
	"k8s.io/apimachinery/pkg/apis/meta/v1.Time":                             "t",
	"k8s.io/apimachinery/pkg/apis/meta/v1.MicroTime":                        "t",
	"k8s.io/apimachinery/pkg/apis/meta/v1.Duration":                         "d",
	"k8s.io/apimachinery/pkg/apis/meta/v1.FieldsV1":                         "r",
	"k8s.io/apimachinery/pkg/api/resource.Quantity":                         "q",
	"k8s.io/apimachinery/pkg/util/intstr.IntOrString":                       "i",
	"k8s.io/apimachinery/pkg/runtime.RawExtension":                          "r",
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSON":         "r",
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSONSchemaPropsOrArray":       "r",
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSONSchemaPropsOrBool":        "r",
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSONSchemaPropsOrStringArray": "r",
}

type recorder map[string]map[string]string

func goName(t reflect.Type) string { return t.PkgPath() + "." + t.Name() }

func openAPIName(t reflect.Type) string {
	path := strings.Split(t.PkgPath(), "/")
	host := strings.Split(path[0], ".")
	for i, j := 0, len(host)-1; i < j; i, j = i+1, j-1 {
		host[i], host[j] = host[j], host[i]
	}
	path[0] = strings.Join(host, ".")
	return strings.Join(path, ".") + "." + t.Name()
}

func (r recorder) visit(t reflect.Type) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		r.visit(t.Elem())
	case reflect.Struct:
		if special[goName(t)] != "" && t.Name() != "JSONSchemaPropsOrArray" && t.Name() != "JSONSchemaPropsOrBool" {
			return
		}
		if _, seen := r[openAPIName(t)]; seen {
			return
		}
		fields := map[string]string{}
		r[openAPIName(t)] = fields
		r.fields(t, fields)
	}
}

func (r recorder) fields(t reflect.Type, into map[string]string) {
	for i := range t.NumField() {
		field := t.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "-" || !field.IsExported() {
			continue
		}
		if name == "" && field.Anonymous {
			r.fields(field.Type, into)
			continue
		}
		if name == "" {
			name = field.Name
		}
		into[name] = code(field.Type) + suffix(options)
		r.visit(field.Type)
	}
}

func suffix(options string) string {
	switch {
	case strings.Contains(options, "omitzero"):
		return "0"
	case strings.Contains(options, "omitempty"):
		return "?"
	}
	return ""
}

func code(t reflect.Type) string {
	if known := special[goName(t)]; known != "" {
		return known
	}
	switch t.Kind() {
	case reflect.Pointer:
		return "p"
	case reflect.Bool:
		return "b"
	case reflect.String:
		return "s"
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return "y"
		}
		return "l"
	case reflect.Map:
		return "m"
	case reflect.Struct:
		return "o"
	}
	return "n"
}

func main() {
	all := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{scheme.AddToScheme, apiextensionsv1.AddToScheme, apiregistrationv1.AddToScheme} {
		if err := add(all); err != nil {
			panic(err)
		}
	}
	r := recorder{}
	r.visit(reflect.TypeOf(metav1.Status{}))
	for _, t := range all.AllKnownTypes() {
		r.visit(t)
	}
	if err := json.NewEncoder(os.Stdout).Encode(r); err != nil {
		panic(err)
	}
}
