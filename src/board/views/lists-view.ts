import type { ListsPage } from "../page-data.js";
import { ago, type Html, html, name } from "./html.js";
import type { ViewContext } from "./view-context.js";

export function listsView({ lists, next }: ListsPage, { links }: ViewContext): Html {
  return html`<h1>Lists</h1>
${lists.length === 0 ? nothingOpen() : tableOf(lists, links)}
${next === undefined ? "" : html`<p><a href="${links.lists(next)}">Next lists</a></p>`}`;
}

function tableOf(lists: ListsPage["lists"], links: ViewContext["links"]): Html {
  const rows = lists.map(
    ({ taskList, open, isCapped, oldest, claimed, waiting, retried }) => html`<tr>
<th scope="row"><a href="${links.list(taskList)}">${name(taskList)}</a></th>
<td class="number" data-label="Open">${open}${isCapped ? "+" : ""}</td>
<td class="number" data-label="Oldest">${ago(oldest)}</td>
<td class="number" data-label="Claimed">${claimed}</td>
<td class="number" data-label="Waiting">${waiting}</td>
<td class="number" data-label="Retried">${retried}</td>
</tr>`,
  );
  return html`<table>
<caption>Lists with open tasks. Of each, at most 10,000 tasks are counted.</caption>
<thead><tr>
<th scope="col">List</th><th scope="col" class="number">Open</th><th scope="col" class="number">Oldest</th>
<th scope="col" class="number">Claimed</th><th scope="col" class="number">Waiting</th><th scope="col" class="number">Retried</th>
</tr></thead>
<tbody>${rows}</tbody>
</table>`;
}

/** Most people who see an empty board for the first time look for completed tasks. */
export function nothingOpen(): Html {
  return html`<p class="empty">No task is open. A task is here from its save until it is completed; completed tasks are not
kept. Look for them in the logs, traces or metrics of your workers: <code>docs/completed.md</code> of the package says how.</p>`;
}
