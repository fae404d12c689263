package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// Build is a tree of files, and the folder in it that is built.
type Build struct {
	Files  map[string]string `json:"files"`
	Folder string            `json:"folder"`
}

func answerBuild(line []byte) (answer any) {
	log.SetOutput(io.Discard)
	var build Build
	if err := json.Unmarshal(line, &build); err != nil {
		panic(err)
	}
	defer func() {
		if fault := recover(); fault != nil {
			answer = Answer{Error: fmt.Sprint("panic: ", fault)}
		}
	}()
	files := filesys.MakeFsInMemory()
	for path, content := range build.Files {
		if err := files.WriteFile("/"+path, []byte(content)); err != nil {
			panic(err)
		}
	}
	options := krusty.MakeDefaultOptions()
	options.Reorder = krusty.ReorderOptionLegacy
	options.PluginConfig = types.MakePluginConfig(types.PluginRestrictionsBuiltinsOnly, types.BploUseStaticallyLinked)
	objects, err := krusty.MakeKustomizer(options).Run(files, "/"+build.Folder)
	if err != nil {
		return Answer{Error: err.Error()}
	}
	text, err := objects.AsYaml()
	if err != nil {
		return Answer{Error: err.Error()}
	}
	return Answer{Text: string(text)}
}
