import { dataLine, type TaskView } from "../../inspection/task-view.js";
import type { ListPage } from "../page-data.js";
import { ago, type Html, html, left, name } from "./html.js";
import { nothingOpen } from "./lists-view.js";
import type { ViewContext } from "./view-context.js";

/** Maximum number of characters of a task's data. */
const PREVIEW = 200;

export function listView({ list, tasks, isFirst, next }: ListPage, { links }: ViewContext): Html {
  const { taskList, open, isCapped, oldest } = list;
  return html`<nav aria-label="Where you are"><a href="${links.lists()}">Lists</a></nav>
<h1>${name(taskList)}</h1>
<p>${open}${isCapped ? "+" : ""} open${oldest === undefined ? "" : html`, the oldest for ${ago(oldest)}`}</p>
${tasks.length === 0 ? nothingOpen() : tableOf(tasks, links)}
<p class="pages">${isFirst ? "" : html`<a href="${links.list(taskList)}">First tasks</a>`}
${next === undefined ? "" : html`<a href="${links.list(taskList, next)}">Next tasks</a>`}</p>`;
}

function tableOf(tasks: readonly TaskView[], links: ViewContext["links"]): Html {
  return html`<table>
<caption>Open tasks, oldest first</caption>
<thead><tr>
<th scope="col">Id</th><th scope="col">Type</th><th scope="col" class="number">Age</th>
<th scope="col" class="number">Attempt</th><th scope="col">Claim</th><th scope="col">Data</th>
</tr></thead>
<tbody>${tasks.map((task) => rowOf(task, links))}</tbody>
</table>`;
}

function rowOf(task: TaskView, links: ViewContext["links"]): Html {
  const { taskList, id, type, state, savedAt, attempt } = task;
  const line = dataLine(task);
  const data = line.length > PREVIEW ? `${line.slice(0, PREVIEW)}…` : line;
  return html`<tr>
<th scope="row"><a href="${links.task(taskList, id)}">${name(id)}</a></th>
<td data-label="Type">${name(type)}${state === "readable" ? "" : html` <span class="mark">${state}</span>`}</td>
<td class="number" data-label="Age">${ago(savedAt)}</td>
<td class="number" data-label="Attempt">${attempt}</td>
<td data-label="Claim">${claimOf(task)}</td>
<td class="data" data-label="Data">${state === "readable" ? html`<code>${name(data)}</code>` : data}</td>
</tr>`;
}

export function claimOf({ claim }: TaskView): Html {
  if (claim === undefined || claim.state === "free") return html`–`;
  if (claim.state === "waiting") return html`waits for ${left(claim.until)}`;
  return html`${name(claim.owner ?? "")}, for ${left(claim.until)}`;
}
