import { Random } from "../../src/testing/random.js";

/** .proto files by name. */
export type Protos = Readonly<Record<string, string>>;

const HEAD = `syntax = "proto3";\n`;
const OPTIONS = `import "taskledger/v1/options.proto";\n`;
const MARK = "  option (taskledger.v1.task) = {};\n";

/** One file with this number of messages; every twentieth is a task type that contains the ones before it. */
export function manyMessages(count: number): Protos {
  const messages = Array.from({ length: count }, (_, i) => {
    const isTask = i % 20 === 19;
    const fields = isTask
      ? Array.from({ length: 19 }, (_, j) => `  Message${i - 19 + j} part_${j} = ${j + 1};\n`)
      : ["  string name = 1;\n", "  int64 size = 2;\n", "  repeated string tags = 3;\n"];
    return `message Message${i} {\n${isTask ? MARK : ""}${fields.join("")}}\n`;
  });
  return { "many.proto": `${HEAD}package many;\n${OPTIONS}${messages.join("\n")}` };
}

const FILES = 60;
const MESSAGES = 800;

/** The types of fields in public APIs, about as frequent as there. */
const scalars = ["string", "string", "string", "int32", "int64", "bool", "double", "bytes", "uint64"];
const wellKnown = ["google.protobuf.Timestamp", "google.protobuf.Duration", "google.protobuf.Struct"];

/**
 * A schema like those of public APIs: 800 messages in 60 files that import each other, nested messages, enums, oneofs,
 * maps and comments, with a task type in each file.
 */
export function largeSchema(): Protos {
  const random = new Random(7);
  const perFile = Array.from(
    { length: FILES },
    (_, file) => Math.floor(((file + 1) * MESSAGES) / FILES) - Math.floor((file * MESSAGES) / FILES),
  );
  return Object.fromEntries(
    perFile.map((count, file) => [`large/v1/part_${file}.proto`, largeFile(file, count, perFile, random)]),
  );
}

function largeFile(file: number, count: number, perFile: readonly number[], random: Random): string {
  const imports =
    file === 0 ? [] : [...new Set([0, random.below(file), random.below(file)])].filter((each) => each < file);
  const reachable = [
    ...imports.flatMap((each) => Array.from({ length: perFile[each] as number }, (_, i) => `Part${each}Message${i}`)),
    ...Array.from({ length: count }, (_, i) => `Part${file}Message${i}`),
  ];
  const lines = [
    ...imports.map((each) => `import "large/v1/part_${each}.proto";`),
    ...["timestamp", "duration", "struct"].map((name) => `import "google/protobuf/${name}.proto";`),
  ];
  const enumeration = `// What state a thing is in.
enum Part${file}State {
${Array.from({ length: 6 }, (_, i) => `  // State ${i}.\n  PART${file}_STATE_${i} = ${i};`).join("\n")}
}
`;
  const messages = Array.from({ length: count }, (_, i) => largeMessage(file, i, reachable, random));
  return `${HEAD}\n// Part ${file} of a large interface.\npackage large.v1;\n\n${OPTIONS}${lines.join("\n")}\n\n${enumeration}\n${messages.join("\n")}`;
}

function largeMessage(file: number, index: number, reachable: readonly string[], random: Random): string {
  let number = 0;
  const field = (type: string, indent = "  ") => {
    number++;
    return `${indent}// The field ${number}, of which there is something to say in a line or in two,\n${indent}// as there is in public interfaces.\n${indent}${type} field_${number} = ${number};\n`;
  };
  const anyType = () => {
    const kind = random.below(10);
    if (kind < 6) return random.pick(scalars);
    if (kind < 7) return `Part${file}State`;
    if (kind < 8) return random.pick(wellKnown);
    return random.pick(reachable);
  };
  const label = () => random.pick(["", "", "", "optional ", "repeated "]);
  const fields = Array.from({ length: 4 + random.below(14) }, () => field(label() + anyType()));
  if (random.below(3) === 0) fields.push(field(`map<string, ${anyType()}>`));
  if (random.below(3) === 0) {
    const choices = Array.from({ length: 2 + random.below(4) }, () => field(anyType(), "    "));
    fields.push(`  oneof choice {\n${choices.join("")}  }\n`);
  }
  if (random.below(4) === 0)
    fields.push(
      `  // A part of it.\n  message Nested {\n    string name = 1;\n    ${anyType()} value = 2;\n  }\n`,
      field("Nested"),
    );
  return `// Message ${index} of part ${file}.\nmessage Part${file}Message${index} {\n${index === 0 ? MARK : ""}${fields.join("")}}\n`;
}
