// Command semver records what Masterminds/semver says of random constraints and versions.
//
//	go run . 1 800 > ../../../crates/belay-semver/tests/cases.jsonl   seed and number of cases
package main

import (
	"encoding/json"
	"math/rand"
	"os"
	"strconv"

	"github.com/Masterminds/semver/v3"
)

// One case: whether the constraint allows the version, or why one of them cannot be read.
type answer struct {
	Constraint string `json:"constraint"`
	Version    string `json:"version"`
	Allowed    bool   `json:"allowed"`
	Fault      string `json:"fault,omitempty"`
	Strict     string `json:"strict,omitempty"`
}

var random *rand.Rand

func pick(options ...string) string { return options[random.Intn(len(options))] }

func often(percent int) bool { return random.Intn(100) < percent }

func version(open bool) string {
	text := pick("", "", "", "v")
	for place := 0; place < 3; place++ {
		if place > 0 {
			if often(15) {
				break
			}
			text += "."
		}
		switch {
		case open && often(15):
			text += pick("x", "X", "*")
		case often(2):
			text += pick("01", "", "a", "18446744073709551616", "-1", "1x", "1|2")
		default:
			text += pick("0", "0", "1", "1", "2", "3", "10")
		}
	}
	if often(20) {
		text += "-" + pick("0", "1", "rc", "rc.1", "rc.2", "rc.10", "alpha", "01", "rc.", "a_b", "99999999999999999999", "-1")
	}
	if often(8) {
		text += "+" + pick("b", "b.1", "01", "b+c", "")
	}
	return text
}

func constraint() string {
	text := ""
	for {
		if often(8) {
			text += version(true) + " - " + version(true)
		} else {
			text += pick("", "", "=", "!=", ">", "<", ">=", "=>", "<=", "=<", "~", "~>", "^", "!", "==") + pick("", "", " ") + version(true)
		}
		switch random.Intn(6) {
		case 0:
			text += pick(" ", ", ", ",", " , ", "  ")
		case 1:
			text += pick(" || ", "||", "|")
		default:
			return text
		}
	}
}

func answered(text, number string) answer {
	result := answer{Constraint: text, Version: number}
	if _, err := semver.StrictNewVersion(number); err != nil {
		result.Strict = err.Error()
	}
	parsed, err := semver.NewVersion(number)
	if err != nil {
		result.Fault = err.Error()
		return result
	}
	constraints, err := semver.NewConstraint(text)
	if err != nil {
		result.Fault = err.Error()
		return result
	}
	result.Allowed = constraints.Check(parsed)
	return result
}

func main() {
	seed, _ := strconv.ParseInt(os.Args[1], 10, 64)
	count, _ := strconv.Atoi(os.Args[2])
	random = rand.New(rand.NewSource(seed))
	lines := json.NewEncoder(os.Stdout)
	lines.SetEscapeHTML(false)
	for range count {
		_ = lines.Encode(answered(constraint(), version(false)))
	}
}
