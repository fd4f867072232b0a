import type { DescMessage } from "@bufbuild/protobuf";
import { DescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { getComments } from "@bufbuild/protoplugin";
import { task as taskOption } from "../../gen/taskledger/v1/options_pb.js";

/** Large schemas have hundreds of warnings of one kind. */
const MAX_WARNINGS = 5;

/** The problems of the input, collected so that one run reports all of them. */
export class Problems {
  readonly errors: string[] = [];
  readonly #warnings: { readonly desc: DescMessage; readonly text: string }[] = [];

  error(desc: DescMessage, text: string): void {
    this.errors.push(describe(desc, text));
  }

  warn(desc: DescMessage, text: string): void {
    this.#warnings.push({ desc, text });
  }

  /** The first warnings, and how many more there are. */
  get warnings(): string[] {
    const lines = this.#warnings.slice(0, MAX_WARNINGS).map(({ desc, text }) => describe(desc, text));
    const more = this.#warnings.length - lines.length;
    return more === 0 ? lines : [...lines, `and ${more} more`];
  }

  throwErrors(): void {
    if (this.errors.length > 0) {
      throw new Error(this.errors.join("\n"));
    }
  }
}

function describe(desc: DescMessage, text: string): string {
  return `${position(desc)}: message ${desc.typeName}: ${text}`;
}

/** Where a message's task option stands, in the form that editors link: `example/v1/fetch_file.proto:9:3`. */
function position(desc: DescMessage): string {
  const { proto } = desc.file;
  const path = [...getComments(desc).sourcePath, DescriptorProtoSchema.field.options.number, taskOption.number];
  const location = proto.sourceCodeInfo?.location.find((l) => path.every((step, i) => step === l.path[i]));
  const [line, column] = location?.span ?? [];
  return line === undefined || column === undefined ? proto.name : `${proto.name}:${line + 1}:${column + 1}`;
}
