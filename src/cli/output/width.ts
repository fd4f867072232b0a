/** Made when there is text that needs it: it takes longer than to print a table without. */
let segmenter: Intl.Segmenter | undefined;

function segmentsOf(text: string): Intl.Segments {
  segmenter ??= new Intl.Segmenter();
  return segmenter.segment(text);
}

/** Characters that terminals draw twice as wide, as far as they are common. */
const wide =
  /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{20000}-\u{3fffd}]/u;

/** The columns that a text takes on a terminal. */
export function widthOf(text: string): number {
  if (/^[ -~]*$/.test(text)) return text.length;
  let width = 0;
  for (const { segment } of segmentsOf(text)) width += widthOfSegment(segment);
  return width;
}

/** The text, truncated with an ellipsis to a number of columns. */
export function cutTo(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  let cut = "";
  let width = 1;
  for (const { segment } of segmentsOf(text)) {
    width += widthOfSegment(segment);
    if (width > columns) break;
    cut += segment;
  }
  return `${cut}…`;
}

function widthOfSegment(segment: string): number {
  return wide.test(segment) ? 2 : 1;
}
