package main

import (
	"encoding/json"
	"fmt"

	"github.com/fluxcd/pkg/envsubst"
)

// Substitution is a text with expressions, and the variables they may use.
type Substitution struct {
	Variables map[string]string `json:"variables"`
	Strict    bool              `json:"strict"`
	Input     string            `json:"input"`
}

func answerSubstitution(line []byte) (answer any) {
	var substitution Substitution
	if err := json.Unmarshal(line, &substitution); err != nil {
		panic(err)
	}
	defer func() {
		if fault := recover(); fault != nil {
			answer = Answer{Error: fmt.Sprint("panic: ", fault)}
		}
	}()
	text, err := envsubst.Eval(substitution.Input, func(name string) (string, bool) {
		value, found := substitution.Variables[name]
		return value, found || !substitution.Strict
	})
	if err != nil {
		return Answer{Error: err.Error()}
	}
	return Answer{Text: text}
}
