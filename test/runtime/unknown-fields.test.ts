import { create, type Message, type MessageInitShape } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { EveryKindSchema } from "../../gen/example/v1/every_kind_pb.js";
import { findUnknownFields } from "../../src/inspection/unknown-fields.js";

/** A message with a field that its schema does not have. */
function strange<M extends Message>(message: M, no = 900): M {
  message.$unknown = [...(message.$unknown ?? []), { no, wireType: 0, data: Uint8Array.of(1) }];
  return message;
}

const make = (init: MessageInitShape<typeof EveryKindSchema> = {}) => create(EveryKindSchema, init);

test("unknown fields are named with their paths, wherever there are messages", () => {
  const message = make({
    child: strange(make()),
    children: [make(), strange(make({ child: strange(make()) }))],
    childByText: { 'a"b': strange(make()), c: make() },
    choice: { case: "chosenChild", value: strange(make()) },
    any: strange(create(AnySchema)),
    struct: { $typeName: "google.protobuf.Struct" },
    wrappedText: "no message here",
  });
  expect(findUnknownFields(EveryKindSchema, strange(strange(message), 901)).sort()).toEqual([
    ...["900", "901", "any.900", "child.900", 'child_by_text["a\\"b"].900'],
    ...["children[1].900", "children[1].child.900", "chosen_child.900"],
  ]);
  expect(findUnknownFields(EveryKindSchema, make({ choice: { case: "chosenText", value: "" } }))).toEqual([]);
});

test("no more than twenty are named, and each once", () => {
  const message = make();
  for (let i = 0; i < 50; i++) strange(strange(message, 1000 + i), 1000);
  expect(findUnknownFields(EveryKindSchema, message)).toHaveLength(20);
});
