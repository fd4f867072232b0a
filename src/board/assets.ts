import { browserCode } from "./browser-code.js";
import type { BoardApp } from "./context.js";
import { style } from "./style.js";

const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">
<rect x="1" y="1" width="14" height="14" rx="3" fill="#1d6b52"/>
<path d="M4 5h8M4 8h8M4 11h5" stroke="#fff" stroke-width="1.6" stroke-linecap="round"/>
</svg>
`;

/** The files of the pages. They contain nothing secret, so that everybody may load them. */
export function addAssets(app: BoardApp): void {
  const files = {
    "/board.js": ["text/javascript; charset=utf-8", browserCode],
    "/board.css": ["text/css; charset=utf-8", style],
    "/icon.svg": ["image/svg+xml", icon],
  } as const;
  for (const [path, [type, text]] of Object.entries(files))
    app.get(path, (c) => c.body(text, 200, { "Content-Type": type }));
}
