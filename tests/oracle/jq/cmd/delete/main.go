// Command delete says what is left of a value when a jq expression's fields are taken out of it, as Argo CD's
// ignoreDifferences takes them: by gojq's `del(EXPRESSION)`.
//
// A line of standard input is {"expression": ".a", "value": {}}; the answer is a line too: {"left": {}}, or {"error": "…"}
// where the expression fails, or {"invalid": "…"} where it is none.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"log"
	"os"
	"time"

	"github.com/itchyny/gojq"
)

type question struct {
	Expression string `json:"expression"`
	Value      any    `json:"value"`
}

func main() {
	questions := bufio.NewReaderSize(os.Stdin, 1<<20)
	for {
		line, err := questions.ReadBytes('\n')
		if err == io.EOF {
			return
		}
		if err != nil {
			log.Fatal(err)
		}
		var asked question
		if err := json.Unmarshal(line, &asked); err != nil {
			log.Fatal(err)
		}
		text, err := gojq.Marshal(reply(asked))
		if err != nil {
			log.Fatal(err)
		}
		if _, err := os.Stdout.Write(append(text, '\n')); err != nil {
			log.Fatal(err)
		}
	}
}

func reply(asked question) map[string]any {
	query, err := gojq.Parse("del(" + asked.Expression + ")")
	if err != nil {
		return map[string]any{"invalid": err.Error()}
	}
	code, err := gojq.Compile(query)
	if err != nil {
		return map[string]any{"invalid": err.Error()}
	}
	// Argo CD gives an expression a second.
	limited, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	left, ok := code.RunWithContext(limited, asked.Value).Next()
	if !ok {
		return map[string]any{"error": "no result"}
	}
	if err, failed := left.(error); failed {
		return map[string]any{"error": err.Error()}
	}
	return map[string]any{"left": left}
}
