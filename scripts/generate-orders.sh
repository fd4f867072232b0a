#!/bin/sh
# Generates the code of both versions of the example's service, into a folder or, by default, where it belongs.
set -e
for version in v1 v2; do
  buf generate "examples/orders/$version/proto" --template examples/orders/buf.gen.yaml -o "${1:-examples/orders}/$version"
done
