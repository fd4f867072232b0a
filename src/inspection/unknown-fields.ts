import type { DescMessage, Message } from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";

/** Maximum number of fields that are listed. */
const MOST = 20;

/** The fields of a message, at any depth, that its schema does not have: `7`, `inner.9`, `items[2].4`. */
export function findUnknownFields(schema: DescMessage, message: Message): string[] {
  const found: string[] = [];
  search(reflect(schema, message), "", found);
  return found;
}

function search(message: ReflectMessage, path: string, found: string[]): void {
  for (const { no } of message.getUnknown() ?? []) {
    if (found.length === MOST) return;
    if (!found.includes(`${path}${no}`)) found.push(`${path}${no}`);
  }
  for (const field of message.fields) {
    if (!message.isSet(field)) continue;
    const at = `${path}${field.name}`;
    if (field.fieldKind === "message") search(message.get(field), `${at}.`, found);
    if (field.fieldKind === "list" && field.listKind === "message")
      for (const [i, item] of [...message.get(field)].entries()) search(item as ReflectMessage, `${at}[${i}].`, found);
    if (field.fieldKind === "map" && field.mapKind === "message")
      for (const [key, item] of message.get(field))
        search(item as ReflectMessage, `${at}[${JSON.stringify(key)}].`, found);
  }
}
