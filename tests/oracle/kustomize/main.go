// Command kustomize answers what sigs.k8s.io/kustomize and Flux's envsubst make of cases.
//
//	go run . -builds < trees.jsonl              one tree a line in, what its build prints a line out
//	go run . -substitutions < expressions.jsonl  the same for Flux's post-build substitution
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: kustomize -builds | -substitutions")
		os.Exit(2)
	}
	answers := map[string]func([]byte) any{"-builds": answerBuild, "-substitutions": answerSubstitution}
	answer, found := answers[os.Args[1]]
	if !found {
		fmt.Fprintln(os.Stderr, "unknown mode", os.Args[1])
		os.Exit(2)
	}
	lines := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 1 {
			if err := encoder.Encode(answer(line)); err != nil {
				panic(err)
			}
			out.Flush()
		}
		if err != nil {
			return
		}
	}
}

// Answer is a text or an error.
type Answer struct {
	Text  string `json:"text,omitempty"`
	Error string `json:"error,omitempty"`
}
