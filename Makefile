# An index of commands; the work is done by the scripts and by `cargo xtask`.

.PHONY: demo build test ui fmt lint

## Build Belay and walk a tour: an embedded cluster, a Git server, both families.
demo: ui
	cargo build --quiet --profile demo -p belay
	$${CARGO_TARGET_DIR:-target}/demo/belay demo

## Build the release binary.
build: ui
	cargo build --release -p belay

## Run every test, with all set-up: formatting, clippy, units, cases, scenarios on a real API server.
test:
	scripts/test

## Build the web UI, which the binary embeds.
ui:
	scripts/ui

fmt:
	cargo fmt --all

lint:
	cargo clippy --workspace --all-targets -- -D warnings
