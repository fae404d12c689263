#!/bin/sh
# Records what the original CRDs say (names, types, rules; no descriptions) into argo-cd.txt beside this file.
# Needs Go 1.27 or newer, as the module asks for it.
set -eu
cd "$(dirname "$0")"
module=$(go mod download -json github.com/argoproj/argo-cd/v3@v3.6.1 | sed -n 's/.*"Dir": "\(.*\)",/\1/p')
crds="$module/manifests/crds"
cargo run --quiet -p belay-crd --example record_facts -- \
    "$crds/application-crd.yaml" "$crds/appproject-crd.yaml" "$crds/applicationset-crd.yaml" > argo-cd.txt
