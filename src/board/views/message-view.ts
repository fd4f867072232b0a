import type { Links } from "../links.js";
import { type Html, html } from "./html.js";

/** A page with a message, such as why a request was refused. */
export function messageMain(title: string, text: Html | string, links: Links): Html {
  return html`<main id="main" tabindex="-1">
<nav aria-label="Where you are"><a href="${links.lists()}">Lists</a></nav>
<h1>${title}</h1>
<p>${text}</p>
</main>`;
}
