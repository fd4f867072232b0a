import type { DescEnum, DescField, DescMessage } from "@bufbuild/protobuf";

interface Names {
  readonly fields: ReadonlyMap<string, DescField>;
  readonly areAmbiguous: boolean;
}

const known = new WeakMap<DescMessage, Names>();

function namesOf(desc: DescMessage): Names {
  let names = known.get(desc);
  if (names === undefined) {
    const fields = new Map<string, DescField>();
    // Where they are another field's, those of JSON come first, for most libraries.
    for (const field of desc.fields) fields.set(field.name, field);
    for (const field of desc.fields) fields.set(field.jsonName, field);
    const areAmbiguous = desc.fields.some(
      (field) =>
        fields.get(field.name) !== field || fields.get(field.jsonName) !== field || isBracketed(field.jsonName),
    );
    names = { fields, areAmbiguous };
    known.set(desc, names);
  }
  return names;
}

/** Such is the name of an extension. */
export function isBracketed(key: string): boolean {
  return key.startsWith("[") && key.endsWith("]");
}

/** The field that a key of JSON stands for, which may be the name of the .proto file. */
export function fieldOf(desc: DescMessage, key: string): DescField | undefined {
  return namesOf(desc).fields.get(key);
}

/**
 * Whether a key may stand for two fields: by `json_name`, a field can have the name of another, or that of an extension.
 * Libraries then differ in what they read.
 */
export function hasAmbiguousNames(desc: DescMessage): boolean {
  return namesOf(desc).areAmbiguous;
}

const numbers = new WeakMap<DescEnum, ReadonlyMap<string, number>>();

/** The number of an enum's value, by its name. */
export function enumNumberOf(desc: DescEnum, name: string): number | undefined {
  let byName = numbers.get(desc);
  if (byName === undefined) {
    byName = new Map(
      desc.values.flatMap(({ name, jsonName, number }) => [[jsonName, number] as const, [name, number]]),
    );
    numbers.set(desc, byName);
  }
  return byName.get(name);
}
