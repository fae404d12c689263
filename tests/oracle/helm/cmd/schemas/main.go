// Command schemas asks Helm whether values fit a schema, for every line of standard input.
//
// A line is {"schema": "…", "values": "…"}, both as texts of JSON. It is written back with Helm's "answer", which is empty where
// the values fit. Helm looks at properties in a random order: what it does not answer alike every time is left out.
package main

import (
	"encoding/json"
	"errors"
	"io"
	"log"
	"log/slog"
	"os"
	"strings"

	"helm.sh/helm/v4/pkg/chart/common/util"
)

// Go goes through small maps in the same order most of the time.
const tries = 200

type question struct {
	Schema string `json:"schema"`
	Values string `json:"values"`
	Answer string `json:"answer"`
}

func main() {
	// Helm warns of every urn that it does not know.
	slog.SetDefault(slog.New(slog.DiscardHandler))
	questions := json.NewDecoder(os.Stdin)
	answers := json.NewEncoder(os.Stdout)
	answers.SetEscapeHTML(false)
	for {
		var asked question
		if err := questions.Decode(&asked); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			log.Fatal(err)
		}
		asked.Answer = answer(asked)
		if !isStable(asked) {
			continue
		}
		if err := answers.Encode(asked); err != nil {
			log.Fatal(err)
		}
	}
}

func isStable(asked question) bool {
	for range tries {
		if answer(asked) != asked.Answer {
			return false
		}
	}
	return true
}

func answer(asked question) string {
	// Numbers keep their notation, as in values that Helm reads from JSON.
	reader := json.NewDecoder(strings.NewReader(asked.Values))
	reader.UseNumber()
	var values map[string]any
	if err := reader.Decode(&values); err != nil {
		log.Fatal(err)
	}
	if err := util.ValidateAgainstSingleSchema(values, []byte(asked.Schema)); err != nil {
		return err.Error()
	}
	return ""
}
