#!/bin/sh
# Fills fuzz/corpus/read_any with the inputs of every fixture: a seed for each thing we know of.
set -eu
cd "$(dirname "$0")/.."
mkdir -p fuzz/corpus/read_any
find fixtures -name 'input.*' -size -64k | while read -r input; do
    cp "$input" "fuzz/corpus/read_any/$(echo "$input" | tr '/' '-')"
done
find fuzz/corpus/read_any -type f | wc -l
