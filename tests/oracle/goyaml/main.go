// Command goyaml answers cases with Go's own YAML libraries, so that the crate belay-goyaml can be
// compared with them. One JSON object a line on standard input, one on standard output:
//
//	{"op":"json","in":"a: yes\n"}   →  {"out":"{\"a\":true}"}   or  {"err":"yaml: line 2: ..."}
//
// ops: json, json-strict (sigs.k8s.io/yaml), json-v3 (yaml.v3 into any, then encoding/json),
// yaml (JSON text → sigs.k8s.io/yaml.Marshal), yaml-v3-2 and yaml-v3-4 (yaml.v3 encoder with that
// indentation, numbers kept as integers where JSON has integers), gojson, gojson-raw (encoding/json
// with and without HTML escapes), float (strconv 'g'), node-round-trip (text → yaml.Node → text with
// the settings of kyaml's String) and node-edit (the same with edits on the way, see edits.go). With
// -record the question is printed with its answer, which is the form of the files in
// crates/belay-goyaml/tests/cases.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strconv"

	yaml3 "go.yaml.in/yaml/v3"
	"sigs.k8s.io/yaml"
)

type request struct {
	Op string `json:"op"`
	In string `json:"in"`
}

type answer struct {
	Out string `json:"out,omitempty"`
	Err string `json:"err,omitempty"`
}

func main() {
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	decoder := json.NewDecoder(in)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	record := len(os.Args) > 1 && os.Args[1] == "-record"
	for {
		var r request
		if err := decoder.Decode(&r); err != nil {
			return
		}
		var a answer
		text, err := run(r)
		if err != nil {
			a.Err = err.Error()
		} else {
			a.Out = text
		}
		if record {
			encoder.Encode(struct {
				request
				answer
			}{r, a})
			continue
		}
		encoder.Encode(a)
	}
}

func run(r request) (out string, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	switch r.Op {
	case "json":
		b, err := yaml.YAMLToJSON([]byte(r.In))
		return string(b), err
	case "json-strict":
		b, err := yaml.YAMLToJSONStrict([]byte(r.In))
		return string(b), err
	case "json-v3":
		var v any
		if err := yaml3.Unmarshal([]byte(r.In), &v); err != nil {
			return "", err
		}
		b, err := json.Marshal(v)
		return string(b), err
	case "yaml":
		v, err := value(r.In)
		if err != nil {
			return "", err
		}
		b, err := yaml.Marshal(v)
		return string(b), err
	case "yaml-v3-2", "yaml-v3-4":
		v, err := value(r.In)
		if err != nil {
			return "", err
		}
		var b bytes.Buffer
		e := yaml3.NewEncoder(&b)
		e.SetIndent(int(r.Op[len(r.Op)-1] - '0'))
		err = e.Encode(v)
		return b.String(), err
	case "gojson", "gojson-raw":
		v, err := value(r.In)
		if err != nil {
			return "", err
		}
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(r.Op == "gojson")
		err = e.Encode(v)
		return string(bytes.TrimSuffix(b.Bytes(), []byte("\n"))), err
	case "node-round-trip":
		return roundTrip(r.In, nil)
	case "node-edit":
		return editNode(r.In)
	case "float":
		f, err := strconv.ParseFloat(r.In, 64)
		if err != nil {
			return "", err
		}
		return strconv.FormatFloat(f, 'g', -1, 64), nil
	}
	return "", fmt.Errorf("unknown op %q", r.Op)
}

// value reads JSON with integers as integers and everything else as float64.
func value(text string) (any, error) {
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	return plain(v), nil
}

func plain(v any) any {
	switch v := v.(type) {
	case json.Number:
		if i, err := strconv.ParseInt(v.String(), 10, 64); err == nil {
			return i
		}
		if u, err := strconv.ParseUint(v.String(), 10, 64); err == nil {
			return u
		}
		f, _ := v.Float64()
		return f
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = plain(v[k])
		}
	}
	return v
}
