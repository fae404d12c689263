// Prints what the libraries of Argo CD answer, one case a line, columns separated by tabs:
//
//	go run . globs    pattern, separators, text, answer            gobwas/glob
//	go run . paths    pattern, name, answer                        path/filepath.Match
//	go run . urls     address, the spelling that is compared       net/url
//	go run . durations  text, nanoseconds or the error             time.ParseDuration
package main

import (
	"bufio"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"strings"

	"github.com/gobwas/glob"
)

func main() {
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	random := rand.New(rand.NewSource(7))
	switch os.Args[1] {
	case "globs":
		globs(out, random)
	case "paths":
		paths(out, random)
	case "crons":
		crons(out, random)
	case "urls":
		urls(out)
	case "durations":
		durations(out)
	}
}

func pick(random *rand.Rand, words []string) string { return words[random.Intn(len(words))] }

func joined(random *rand.Rand, words []string, most int) string {
	var text strings.Builder
	for range 1 + random.Intn(most) {
		text.WriteString(pick(random, words))
	}
	return text.String()
}

var (
	patternParts = []string{"a", "b", "/", "*", "**", "?", "[ab]", "[!a]", "[a-c]", "{a,b}", "{a*,b}", "{ab,}", `\*`, "-", ".", "é"}
	textParts    = []string{"a", "b", "c", "/", "-", ".", "*", "é"}
	written      = [][2]string{
		{"https://github.com/org/*", "https://github.com/org/repo"},
		{"https://github.com/org/*", "https://github.com/org/group/repo"},
		{"https://github.com/org/**", "https://github.com/org/group/repo"},
		{"https://github.com/*/repo", "https://github.com/org/repo"},
		{"https://**/repo", "https://github.com/org/repo"},
		{"git@github.com:org/*", "git@github.com:org/repo"},
		{"team-*", "team-a"}, {"team-*", "team"}, {"*-team", "a-team"}, {"team-{a,b}", "team-b"},
		{"team-[ab]", "team-c"}, {"kube-*", "kube-system"}, {"", ""}, {"", "a"}, {"*", ""}, {"**", ""},
		{"{a", "a"}, {"a}", "a}"}, {"[a", "a"}, {"[]", "a"}, {"[b-a]", "a"}, {"a,b", "a,b"}, {`a\`, "a"},
		{"{a,{b,c}}", "c"}, {"{}", ""}, {"{,a}", "a"}, {"[!]", "a"}, {"[a-]", "a"}, {"[-a]", "-"}, {"[a-c", "b"}, {"a]", "a]"},
	}
)

func globs(out *bufio.Writer, random *rand.Rand) {
	one := func(pattern, text string, separators ...rune) {
		answer := "error"
		if compiled, err := glob.Compile(pattern, separators...); err == nil {
			answer = fmt.Sprint(compiled.Match(text))
		}
		fmt.Fprintf(out, "%s\t%s\t%s\t%s\n", pattern, string(separators), text, answer)
	}
	for _, each := range written {
		one(each[0], each[1])
		one(each[0], each[1], '/')
	}
	for range 600 {
		pattern, text := joined(random, patternParts, 5), joined(random, textParts, 5)
		if random.Intn(2) == 0 {
			one(pattern, text)
		} else {
			one(pattern, text, '/')
		}
	}
}

func paths(out *bufio.Writer, random *rand.Rand) {
	kinds := []string{"*", "?", "Net", "work", "[A-Z]", "[^a]", "Role", `\*`, "Binding", "["}
	names := []string{"Net", "work", "Role", "Binding", "Policy", "*", "/"}
	for range 200 {
		pattern, name := joined(random, kinds, 4), joined(random, names, 3)
		answer := "error"
		if ok, err := filepath.Match(pattern, name); err == nil {
			answer = fmt.Sprint(ok)
		}
		fmt.Fprintf(out, "%s\t%s\t%s\n", pattern, name, answer)
	}
}
