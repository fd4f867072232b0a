import type { Links } from "../links.js";
import { type Html, html } from "./html.js";

export interface Layout {
  readonly links: Links;
  readonly title: string;
  /** The page's `<main>`. */
  readonly main: Html;
}

/** A whole document. It is readable without its script, which only keeps it up to date. */
export async function document({ links, title, main }: Layout): Promise<string> {
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · Taskledger</title>
<link rel="icon" href="${links.of("icon.svg")}" type="image/svg+xml">
<link rel="stylesheet" href="${links.of("board.css")}">
<script src="${links.of("board.js")}" defer></script>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header>
<a class="home" href="${links.lists()}">Taskledger</a>
<p id="live" role="status" hidden></p>
</header>
${main}
</body>
</html>
`;
  return String(await page);
}
