/** Escapes text for a terminal or a page: text from a store must not move the cursor or look like other lines. */
export function printable(text: string): string {
  return text.replace(/(?!\n)[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu, escaped);
}

/** The same, on one line. */
export function printableLine(text: string): string {
  return printable(text).replaceAll("\n", escaped);
}

/** As JSON escapes it, so that JSON stays JSON. */
function escaped(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
