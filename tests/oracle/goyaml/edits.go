package main

import (
	"bytes"
	"encoding/json"
	"fmt"

	yaml3 "go.yaml.in/yaml/v3"
)

// What a node-edit question holds: a YAML text, and what is done to its nodes in turn.
type edits struct {
	Text  string `json:"text"`
	Edits []edit `json:"edits"`
}

// One edit. The path has keys of mappings and indexes of sequences. Value sets the text of a scalar
// and takes the place of anything else as a new scalar; Tag is that of new scalars. Node
// is a YAML text whose root takes the place of what is there. Key and Push add an entry or item
// with the new scalar Value, or with Node.
type edit struct {
	Path  []any   `json:"path"`
	Value string  `json:"value"`
	Tag   string  `json:"tag"`
	Node  *string `json:"node"`
	Key   *string `json:"key"`
	Push  bool    `json:"push"`
}

// roundTrip reads the first document and writes it as kyaml does.
func roundTrip(text string, change func(root *yaml3.Node) error) (string, error) {
	var document yaml3.Node
	if err := yaml3.Unmarshal([]byte(text), &document); err != nil {
		return "", err
	}
	if change != nil && document.Kind == yaml3.DocumentNode {
		if err := change(document.Content[0]); err != nil {
			return "", err
		}
	}
	var out bytes.Buffer
	encoder := yaml3.NewEncoder(&out)
	encoder.SetIndent(2)
	encoder.CompactSeqIndent()
	err := encoder.Encode(&document)
	if closeErr := encoder.Close(); err == nil {
		err = closeErr
	}
	return out.String(), err
}

func editNode(text string) (string, error) {
	var question edits
	if err := json.Unmarshal([]byte(text), &question); err != nil {
		return "", err
	}
	return roundTrip(question.Text, func(root *yaml3.Node) error {
		for _, e := range question.Edits {
			if err := e.apply(root); err != nil {
				return err
			}
		}
		return nil
	})
}

func (e edit) apply(root *yaml3.Node) error {
	target := find(root, e.Path)
	if target == nil {
		return fmt.Errorf("nothing at the path")
	}
	value := &yaml3.Node{Kind: yaml3.ScalarNode, Tag: e.Tag, Value: e.Value}
	if e.Node != nil {
		var document yaml3.Node
		if err := yaml3.Unmarshal([]byte(*e.Node), &document); err != nil {
			return err
		}
		value = document.Content[0]
	}
	switch {
	case e.Push && target.Kind == yaml3.SequenceNode:
		target.Content = append(target.Content, value)
	case e.Key != nil && target.Kind == yaml3.MappingNode:
		key := &yaml3.Node{Kind: yaml3.ScalarNode, Value: *e.Key}
		target.Content = append(target.Content, key, value)
	case e.Push || e.Key != nil:
		return fmt.Errorf("another kind of node at the path")
	case target.Kind == yaml3.ScalarNode && e.Node == nil:
		target.Value = e.Value
	default:
		*target = *value
	}
	return nil
}

func find(node *yaml3.Node, path []any) *yaml3.Node {
	for _, part := range path {
		next := (*yaml3.Node)(nil)
		switch part := part.(type) {
		case float64:
			if node.Kind == yaml3.SequenceNode && int(part) < len(node.Content) {
				next = node.Content[int(part)]
			}
		case string:
			if node.Kind != yaml3.MappingNode {
				break
			}
			for i := 0; i+1 < len(node.Content); i += 2 {
				key := node.Content[i]
				if key.Kind == yaml3.ScalarNode && key.Value == part {
					next = node.Content[i+1]
					break
				}
			}
		}
		if next == nil {
			return nil
		}
		node = next
	}
	return node
}
