#!/bin/sh
# Records what the original CRDs say (names, types, rules; no descriptions) into flux.txt beside this file.
set -eu
cd "$(dirname "$0")"
for module in source-controller@v1.9.6 kustomize-controller@v1.9.6 helm-controller@v1.6.4 \
    image-reflector-controller@v1.2.4 image-automation-controller@v1.2.4 notification-controller@v1.9.3
do
    folder=$(go mod download -json "github.com/fluxcd/$module" | sed -n 's/.*"Dir": "\(.*\)",/\1/p')
    cargo run --quiet -p belay-crd --example record_facts -- "$folder"/config/crd/bases/*.yaml
done > flux.txt
