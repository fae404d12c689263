// Command answer runs Helm's own command line once for every line of standard input, in one process.
//
// A line is {"dir": "/folder", "args": ["template", "web", "chart"]}; the answer is a line too:
// {"output": "…", "error": "…"}, where error is missing when Helm succeeds.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"log"
	"log/slog"
	"os"

	helmcmd "helm.sh/helm/v4/pkg/cmd"
)

type question struct {
	Dir  string   `json:"dir"`
	Args []string `json:"args"`
}

type answer struct {
	Output string  `json:"output"`
	Error  *string `json:"error,omitempty"`
}

func main() {
	answers := json.NewEncoder(os.Stdout)
	answers.SetEscapeHTML(false)
	// What Helm prints past its writer must not come between the answers.
	os.Stdout = os.Stderr
	slog.SetDefault(slog.New(slog.DiscardHandler))
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
		if err := answers.Encode(reply(asked)); err != nil {
			log.Fatal(err)
		}
	}
}

func reply(asked question) answer {
	var output bytes.Buffer
	if err := run(asked, &output); err != nil {
		text := err.Error()
		return answer{output.String(), &text}
	}
	return answer{output.String(), nil}
}

func run(asked question, output io.Writer) error {
	if err := os.Chdir(asked.Dir); err != nil {
		return err
	}
	// cobra reads the process's arguments when a command is given none.
	os.Args = append([]string{"helm"}, asked.Args...)
	command, err := helmcmd.NewRootCmd(output, asked.Args, func(bool) {})
	if err != nil {
		return err
	}
	command.SetArgs(asked.Args)
	command.SetErr(io.Discard)
	return command.Execute()
}
