import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";

/** JSON of a task's data that costs much for its length: one field, filled with the shortest elements. */
export interface JsonShape {
  readonly name: string;
  /** The members of an object, of about this length. */
  text(length: number): string;
}

/** The depth of nested messages. */
const DEPTH = 90;

/** The shapes of every field of a message: valid, and with an error at the very end. */
export function shapesOf(schema: DescMessage, form: "hash" | "init"): JsonShape[] {
  const shapes = schema.fields.flatMap((field) => fieldShapes(field, form));
  const deep = schema.fields.find((field) => field.fieldKind === "message" && field.message === schema);
  const wrap = ({ name, text }: JsonShape): JsonShape => ({
    name: `${name}, ${DEPTH} deep`,
    text: (length) => nest(`"${deep?.localName}":{`, text(length), "}", DEPTH),
  });
  const all = deep ? [...shapes, ...shapes.filter(({ name }) => /s: |text: /.test(name)).map(wrap)] : shapes;
  return [...all, ...(form === "init" ? messageShapes(schema) : [])].map((shape) => ({
    ...shape,
    name: `${schema.name}.${shape.name}`,
  }));
}

function fieldShapes(field: DescField, form: "hash" | "init"): JsonShape[] {
  const name = form === "hash" ? field.jsonName : field.localName;
  const elements = elementsOf(field, form);
  if (field.fieldKind === "list")
    return elements.flatMap((element) => [
      { name: `${name}: [${element}, …]`, text: (length) => `"${name}":[${repeat(element, length)}]` },
      {
        name: `${name}: [${element}, …], the last one wrong`,
        text: (length) => `"${name}":[${repeat(element, length)},${wrong(element)}]`,
      },
    ]);
  if (field.fieldKind === "map")
    return elements.map((element) => ({
      name: `${name}: { key: ${element}, … }`,
      text: (length) => `"${name}":{${entries(element, length, field.mapKey)}}`,
    }));
  return singularShapes(field, name, form);
}

function singularShapes(field: DescField, name: string, form: "hash" | "init"): JsonShape[] {
  if (field.scalar === ScalarType.STRING)
    return [{ name: `${name}: text`, text: (length) => `"${name}":"${"x".repeat(length)}"` }];
  if (field.scalar === ScalarType.BYTES && form === "hash")
    return [{ name: `${name}: base64`, text: (length) => `"${name}":"${"AAAA".repeat(length / 4)}"` }];
  if (field.scalar === ScalarType.INT64 || field.scalar === ScalarType.UINT64)
    return [{ name: `${name}: digits`, text: (length) => `"${name}":"${"9".repeat(length)}"` }];
  const inside = (value: (length: number) => string, what: string) => ({
    name: `${name}: ${what}`,
    text: (length: number) => `"${name}":${value(length)}`,
  });
  switch (field.message?.typeName) {
    case "google.protobuf.Struct":
      return ["[]", "{}", '""', "1", "null"].map((element) =>
        inside((length) => `{"a":[${repeat(element, length)}]}`, `{ a: [${element}, …] }`),
      );
    case "google.protobuf.ListValue":
      return form === "hash" ? [inside((length) => `[${repeat("[]", length)}]`, "[[], …]")] : [];
    case "google.protobuf.FieldMask":
      return form === "hash" ? [inside((length) => `"${repeat("a", length)}"`, "a,a,…")] : [];
    case "google.protobuf.Any":
      return form === "hash" ? [inside((length) => nestedAny(name, length), "in one another")] : [];
    default:
      return [];
  }
}

/** An Any in an Any, with the text in the innermost. */
function nestedAny(name: string, length: number): string {
  const open = `{"@type":"x/example.v1.EveryKind","${name}":`;
  return nest(open, `{"@type":"x/example.v1.EveryKind","text":"${"x".repeat(length)}"}`, "}", DEPTH / 2);
}

/** The shortest JSON of an element. */
function elementsOf(field: DescField, form: "hash" | "init"): string[] {
  if (field.message) return ["{}"];
  if (field.enum) return form === "hash" ? ["0", `"${field.enum.values[0]?.name}"`] : ["0"];
  switch (field.scalar) {
    case ScalarType.STRING:
      return ['""', '"é"'];
    case ScalarType.BYTES:
      return form === "hash" ? ['""', '"AA=="'] : [];
    case ScalarType.BOOL:
      return ["true"];
    default:
      return ["0", "-1", '"1"'].filter((text) => form === "hash" || (!text.startsWith('"') && text !== "-1"));
  }
}

function wrong(element: string): string {
  return element === "{}" ? "[]" : "{}";
}

/** Members that JSON may have, though only messages should. */
function messageShapes(schema: DescMessage): JsonShape[] {
  const bomb = '{"no":900,"wireType":2,"data":{"length":300000000}}';
  const list = schema.fields.find(({ fieldKind, message }) => fieldKind === "list" && message);
  const typeName = `"$typeName":"${list?.message?.typeName}"`;
  return [
    { name: "$unknown", text: (length) => `"$unknown":[${repeat(bomb, length)}]` },
    { name: "$typeName and $unknown", text: () => `"$typeName":"${schema.typeName}","$unknown":[${bomb}]` },
    ...(list
      ? [
          {
            name: "$typeName in a list",
            text: (length: number) => `"${list.localName}":[${repeat(`{${typeName}}`, length)}]`,
          },
        ]
      : []),
  ];
}

function repeat(element: string, length: number): string {
  return Array(Math.ceil(length / (element.length + 1)))
    .fill(element)
    .join(",");
}

function entries(element: string, length: number, key: ScalarType): string {
  const count = Math.ceil(length / (element.length + 8));
  const nameOf = (i: number) => (key === ScalarType.STRING ? i.toString(36) : String(i));
  if (key === ScalarType.BOOL) return `"true":${element}`;
  return Array.from({ length: count }, (_, i) => `"${nameOf(i)}":${element}`).join(",");
}

function nest(open: string, inner: string, close: string, depth: number): string {
  return open.repeat(depth) + inner + close.repeat(depth);
}
