#!/bin/sh
# Fills fuzz/corpus with the inputs of every fixture, for every target that reads documents: a seed for each
# thing we know of.
set -eu
cd "$(dirname "$0")/.."
for target in read_any write_csv write_edifact write_json write_ubl write_x12; do
    mkdir -p "fuzz/corpus/$target"
    find fixtures -name 'input.*' -size -64k | while read -r input; do
        cp "$input" "fuzz/corpus/$target/$(echo "$input" | tr '/' '-')"
    done
done
# And with what is kept of the targets that read what clients say.
cp -r fuzz/seeds/. fuzz/corpus/
find fuzz/corpus/read_any -type f | wc -l
