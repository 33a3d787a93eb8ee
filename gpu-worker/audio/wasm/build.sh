#!/bin/sh
# Builds aac.wasm and resample.wasm beside itself.
# Needs Rust, through rustup, and once: rustup target add wasm32-unknown-unknown
set -eu
cd "$(dirname "$0")"
target=$(mktemp -d)
trap 'rm -rf "$target"' EXIT
for name in aac resample; do
  cargo fetch --manifest-path "$name/Cargo.toml"
  # Panics carry the paths of their sources; they should not name the machine that built them.
  flags="-C target-feature=+simd128 --remap-path-prefix=$PWD="
  for sources in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*; do
    flags="$flags --remap-path-prefix=$sources=crates"
  done
  RUSTFLAGS="$flags" cargo build --release --manifest-path "$name/Cargo.toml" \
    --target wasm32-unknown-unknown --target-dir "$target"
  cp "$target/wasm32-unknown-unknown/release/auricle_$name.wasm" "$name.wasm"
done
chmod 644 ./*.wasm
