/** How many bytes a UUID has. */
export const UUID_BYTES = 16;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Whether an id is the text of a UUID, in lower case. */
export function isUuid(id: string): boolean {
  return id.length === 36 && UUID.test(id);
}

/** Where the two digits of each byte stand in the text. */
const places = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];
const HYPHENS = [8, 13, 18, 23];

/** Writes the bytes of such a text. */
export function writeUuid(bytes: Uint8Array, id: string): void {
  for (let i = 0; i < UUID_BYTES; i++) {
    const at = places[i] as number;
    bytes[i] = (digit(id.charCodeAt(at)) << 4) | digit(id.charCodeAt(at + 1));
  }
}

/** `0` to `9`, or `a` to `f`. */
function digit(code: number): number {
  return code <= 0x39 ? code - 0x30 : code - 0x57;
}

const text = Buffer.alloc(36);
for (const at of HYPHENS) text[at] = 0x2d;
const digits = Buffer.from("0123456789abcdef");

/** The text of the UUID that begins at a position. */
export function readUuid(bytes: Uint8Array, start: number): string {
  for (let i = 0; i < UUID_BYTES; i++) {
    const byte = bytes[start + i] as number;
    const at = places[i] as number;
    text[at] = digits[byte >> 4] as number;
    text[at + 1] = digits[byte & 0xf] as number;
  }
  return text.toString("latin1");
}
