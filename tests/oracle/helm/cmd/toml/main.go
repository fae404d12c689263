// Command toml reads the texts of standard input as `fromToml` of Helm reads them.
//
// A line is {"text": "…"}, or {"base64": "…"} for what is not UTF-8; the same line is printed with the answer:
// {"text": "…", "answer": "…"}, where the answer shows each value with its type, or says what is wrong.
package main

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
)

type question struct {
	Text   *string `json:"text,omitempty"`
	Base64 *string `json:"base64,omitempty"`
	Answer string  `json:"answer"`
}

func main() {
	answers := json.NewEncoder(os.Stdout)
	answers.SetEscapeHTML(false)
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
		asked.Answer = answer(text(asked))
		if err := answers.Encode(asked); err != nil {
			log.Fatal(err)
		}
	}
}

func text(asked question) []byte {
	if asked.Text != nil {
		return []byte(*asked.Text)
	}
	bytes, err := base64.StdEncoding.DecodeString(*asked.Base64)
	if err != nil {
		log.Fatal(err)
	}
	return bytes
}

func answer(text []byte) (answer string) {
	defer func() {
		if reason := recover(); reason != nil {
			answer = fmt.Sprintf("panic: %v", reason)
		}
	}()
	read := map[string]any{}
	if err := toml.Unmarshal(text, &read); err != nil {
		return "error: " + err.Error()
	}
	return shown(read)
}

func shown(value any) string {
	switch value := value.(type) {
	case map[string]any:
		keys := make([]string, 0, len(value))
		for key := range value {
			keys = append(keys, key)
		}
		sort.Strings(keys)
		for index, key := range keys {
			keys[index] = strconv.Quote(key) + ":" + shown(value[key])
		}
		return "{" + strings.Join(keys, ",") + "}"
	case []any:
		return "[" + strings.Join(each(value), ",") + "]"
	case []map[string]any:
		return "[[" + strings.Join(each(value), ",") + "]]"
	case string:
		return strconv.Quote(value)
	case float64:
		return "float " + strconv.FormatFloat(value, 'g', -1, 64)
	case time.Time:
		zone := value.Location().String()
		if !strings.HasSuffix(zone, "-local") {
			zone = ""
		}
		return "time " + value.Format(time.RFC3339Nano) + zone
	}
	return fmt.Sprint(value)
}

func each[T any](items []T) []string {
	texts := make([]string, len(items))
	for index, item := range items {
		texts[index] = shown(item)
	}
	return texts
}
