// Command gotemplate records what Go's text/template and sprig answer.
//
//	go run . ../../../crates/belay-gotemplate/tests/cases/*.txt   fills in the expected output of case files
//	go run . -lines < templates.jsonl                              answers one JSON string a line
//	go run . -answer DATA < cases.jsonl                            answers one case a line
//	go run . -certificates > ../../../crates/belay-gotemplate/tests/cases/certificates.jsonl
//	go run . -verify < outputs.jsonl                               checks certificates that were made elsewhere
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig/v3"
)

func main() {
	if len(os.Args) > 2 && os.Args[1] == "-lines" {
		lines(os.Args[2])
		return
	}
	if len(os.Args) > 2 && os.Args[1] == "-answer" {
		answers(os.Args[2])
		return
	}
	if len(os.Args) > 1 && os.Args[1] == "-certificates" {
		certificates()
		return
	}
	if len(os.Args) > 1 && os.Args[1] == "-verify" {
		verify()
		return
	}
	for _, path := range os.Args[1:] {
		if err := record(path); err != nil {
			fmt.Fprintln(os.Stderr, path, err)
			os.Exit(1)
		}
	}
}

// render gives the output or the error text of a template.
func render(text, missingKey, dataFile string) (output string, isError bool) {
	raw, err := os.ReadFile(dataFile)
	if err != nil {
		panic(err)
	}
	var data map[string]any
	if err := json.Unmarshal(raw, &data); err != nil {
		panic(err)
	}
	data["int"] = 10
	data["int64"] = int64(64)
	data["strings"] = []string{"b", "c", "a"}
	data["bytes"] = []byte("hi\xff")
	data["labels"] = map[string]string{"app": "web"}
	functions := sprig.TxtFuncMap()
	delete(functions, "env")
	delete(functions, "expandenv")
	root := template.New("root").Option("missingkey=" + missingKey).Funcs(functions)
	if _, err := root.New("case").Parse(text); err != nil {
		return err.Error(), true
	}
	var out strings.Builder
	if err := root.ExecuteTemplate(&out, "case", data); err != nil {
		return err.Error(), true
	}
	return out.String(), false
}

// answers reads cases ({"template", "missingkey"}) and writes {"output": base64, "error": bool}, a line each.
func answers(dataFile string) {
	decoder := json.NewDecoder(os.Stdin)
	for {
		var question struct{ Template, MissingKey string }
		if decoder.Decode(&question) != nil {
			return
		}
		output, isError := render(question.Template, question.MissingKey, dataFile)
		answer, _ := json.Marshal(map[string]any{"output": []byte(output), "error": isError})
		fmt.Println(string(answer))
	}
}

func lines(dataFile string) {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(make([]byte, 1<<20), 1<<26)
	for in.Scan() {
		var text string
		if err := json.Unmarshal(in.Bytes(), &text); err != nil {
			panic(err)
		}
		output, isError := render(text, "default", dataFile)
		answer, _ := json.Marshal(map[string]any{"output": output, "error": isError})
		fmt.Println(string(answer))
	}
}

// record rewrites a case file: `=== name [missingkey=…]`, the template, `--- output` or `--- error`, the text.
func record(path string) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	dataFile := filepath.Join(filepath.Dir(path), "data.json")
	var out strings.Builder
	for index, section := range strings.Split("\n"+string(raw), "\n=== ") {
		if index == 0 {
			if head := strings.TrimPrefix(section, "\n"); head != "" {
				out.WriteString(head + "\n")
			}
			continue
		}
		header, body, _ := strings.Cut(section, "\n")
		for _, mark := range []string{"\n--- output\n", "\n--- error\n"} {
			body, _, _ = strings.Cut(body+"\n", mark)
		}
		body = strings.TrimRight(body, "\n")
		missingKey := "default"
		if _, option, ok := strings.Cut(header, "missingkey="); ok {
			missingKey = option
		}
		answer, isError := render(body, missingKey, dataFile)
		mark := "output"
		if isError {
			mark = "error"
		}
		fmt.Fprintf(&out, "=== %s\n%s\n--- %s\n%s\n", header, body, mark, answer)
	}
	return os.WriteFile(path, []byte(out.String()), 0o644)
}
