import { html } from "hono/html";
import { ageOf } from "../../inspection/age.js";
import { formatDuration } from "../../inspection/duration.js";
import { printable, printableLine } from "../../inspection/printable.js";

export { html };

/** Markup. Text that is put into it by the template is escaped. */
export type Html = ReturnType<typeof html>;

/** A name, with invisible characters escaped, and isolated from the writing direction of the text around it. */
export function name(text: string): Html {
  return html`<bdi>${printableLine(text)}</bdi>`;
}

/** JSON or another text of several lines. */
export function block(text: string): Html {
  return html`<pre tabindex="0">${printable(text)}</pre>`;
}

/** The time since a moment, or `?` if it is unknown; the page's script keeps it up to date. */
export function ago(moment: string | null | undefined): Html {
  if (moment === undefined) return html`–`;
  const age = ageOf(moment);
  return age === undefined ? html`?` : time(moment as string, age, "ago");
}

/** The time until a moment. */
export function left(moment: string | undefined): Html {
  return moment === undefined ? html`–` : time(moment, Date.parse(moment) - Date.now(), "left");
}

function time(moment: string, milliseconds: number, kind: "ago" | "left"): Html {
  return html`<time datetime="${moment}" title="${moment}" data-kind="${kind}">${formatDuration(milliseconds)}</time>`;
}

/** A number of bytes in a readable unit. */
export function size(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1024 * 1024 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
