/** The pages' style sheet. */
export const style = `
:root {
  color-scheme: light dark;
  --text: #1d2125;
  --dim: #55606b;
  --ground: #fff;
  --raised: #f4f6f7;
  --line: #d5dbe0;
  --link: #0b5f8a;
  --accent: #1d6b52;
  --warn: #8a4b00;
  --danger: #a4262c;
  font: 15px/1.45 system-ui, sans-serif;
}
@media (prefers-color-scheme: dark) {
  :root {
    --text: #e6e9ec;
    --dim: #a3adb7;
    --ground: #14181b;
    --raised: #1d2327;
    --line: #38424a;
    --link: #7cc4ef;
    --accent: #6fcfae;
    --warn: #f0b45c;
    --danger: #ff8f8f;
  }
}
* { box-sizing: border-box; }
body { margin: 0; color: var(--text); background: var(--ground); }
a { color: var(--link); }
a:focus-visible, summary:focus-visible, button:focus-visible, pre:focus-visible {
  outline: 3px solid var(--accent);
  outline-offset: 2px;
}
main:focus { outline: none; }
.skip { position: absolute; left: -999rem; }
.skip:focus { left: 1rem; top: 0.5rem; padding: 0.3rem 0.6rem; background: var(--ground); z-index: 1; }
header {
  display: flex; gap: 1rem; align-items: center; justify-content: space-between;
  padding: 0.6rem 1.2rem; border-bottom: 1px solid var(--line); background: var(--raised);
}
.home { font-weight: 600; color: var(--accent); text-decoration: none; }
#live { margin: 0; font-size: 0.85rem; color: var(--dim); }
#live[data-state="live"]::before { content: "● "; color: var(--accent); }
#live[data-state="late"]::before { content: "○ "; color: var(--warn); }
main { max-width: 80rem; margin: 0 auto; padding: 1rem 1.2rem 3rem; }
h1 { font-size: 1.5rem; margin: 0.4rem 0; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 1.6rem 0 0.4rem; }
nav { font-size: 0.9rem; overflow-wrap: anywhere; }
table { width: 100%; border-collapse: collapse; margin: 0.8rem 0; }
caption { text-align: left; color: var(--dim); font-size: 0.85rem; padding-bottom: 0.4rem; }
th, td { text-align: left; vertical-align: top; padding: 0.4rem 0.6rem; border-bottom: 1px solid var(--line); }
thead th { font-size: 0.8rem; color: var(--dim); }
tbody th { font-weight: 500; overflow-wrap: anywhere; min-width: 9rem; }
tbody tr:hover { background: var(--raised); }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.data { overflow-wrap: anywhere; color: var(--dim); }
code, pre { font: 0.87em/1.5 ui-monospace, monospace; }
pre {
  padding: 0.8rem; background: var(--raised); border: 1px solid var(--line); border-radius: 4px;
  overflow: auto; white-space: pre-wrap; overflow-wrap: anywhere;
}
.mark { color: var(--warn); font-size: 0.85em; }
.notice { border-left: 4px solid var(--warn); padding: 0.4rem 0.8rem; background: var(--raised); overflow-wrap: anywhere; }
.empty { max-width: 45rem; color: var(--dim); }
.pages { display: flex; gap: 1rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.25rem 1rem; margin: 0.8rem 0; }
dt { color: var(--dim); }
dd { margin: 0; overflow-wrap: anywhere; }
details { border: 1px solid var(--line); border-radius: 4px; margin: 0.5rem 0; padding: 0.5rem 0.8rem; max-width: 45rem; }
summary { cursor: pointer; }
button {
  font: inherit; padding: 0.4rem 0.9rem; border-radius: 4px; cursor: pointer; overflow-wrap: anywhere;
  color: var(--danger); background: transparent; border: 1px solid currentColor;
}
@media (max-width: 40rem) {
  thead { position: absolute; left: -999rem; }
  table, caption, tbody, tr, th, td { display: block; }
  .number { text-align: left; }
  tr { border-bottom: 1px solid var(--line); padding: 0.4rem 0; }
  tbody th, td { border: 0; padding: 0.1rem 0; text-align: left; }
  td::before { content: attr(data-label) ": "; color: var(--dim); }
  dl { grid-template-columns: 1fr; gap: 0; }
  dd { margin-bottom: 0.5rem; }
}
`;
