import { internalize } from "./internalize.js";

/** The type URL of a message in an Any, from its full name. */
export function typeUrlOf(typeName: string): string {
  return `type.googleapis.com/${typeName}`;
}

/** The message's full name that a type URL ends in. */
export function typeNameOf(typeUrl: string): string {
  if (typeUrl === lastUrl) return lastName;
  const name = typeUrl.slice(typeUrl.lastIndexOf("/") + 1);
  if (typeUrl.length <= MAX_KEPT_URL) {
    lastUrl = internalize(typeUrl);
    lastName = internalize(name);
  }
  return name;
}

/** Most tasks are of the type of the one before. */
let lastUrl = "";
let lastName = "";
const MAX_KEPT_URL = 500;
