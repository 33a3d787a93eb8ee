#!/bin/sh
# Builds grammar.wasm beside this folder.
# Needs Rust, through rustup, and once: rustup target add wasm32-unknown-unknown
set -eu
cd "$(dirname "$0")"
target=$(mktemp -d)
trap 'rm -rf "$target"' EXIT
cargo fetch
# Panics carry the paths of their sources; they should not name the machine that built them. Memory ends at 64 MiB;
# the stack is large enough for the deepest schema that the wire takes.
flags="-C target-feature=+simd128,+bulk-memory -C link-arg=--max-memory=67108864 -C link-arg=-zstack-size=2097152"
flags="$flags --remap-path-prefix=$PWD="
for sources in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*; do
  flags="$flags --remap-path-prefix=$sources=crates"
done
RUSTFLAGS="$flags" cargo build --release --target wasm32-unknown-unknown --target-dir "$target"
cp "$target/wasm32-unknown-unknown/release/auricle_grammar.wasm" ../grammar.wasm
chmod 644 ../grammar.wasm
