import type { TaskView } from "../../inspection/task-view.js";
import type { Links } from "../links.js";
import type { TaskPage } from "../page-data.js";
import { ago, block, type Html, html, name, size } from "./html.js";
import { claimOf } from "./list-view.js";
import type { ViewContext } from "./view-context.js";

/** Maximum number of characters of JSON that are shown at once; longer data is shown on demand. */
const SHOWN_AT_ONCE = 64 * 1024;

export function taskView({ taskList, id, isWhole, task }: TaskPage, { links, mayAct }: ViewContext): Html {
  return html`<nav aria-label="Where you are"><a href="${links.lists()}">Lists</a> ›
<a href="${links.list(taskList)}">${name(taskList)}</a></nav>
<h1>${name(id)}</h1>
${task === undefined ? notOpen() : detailsOf(task, links, isWhole)}
${task !== undefined && mayAct ? actionsOf(task, links) : ""}`;
}

function notOpen(): Html {
  return html`<p class="empty">This task is not open: it has been completed, or was never saved. Completed tasks are not kept;
<code>docs/completed.md</code> of the package says where to look for them.</p>`;
}

function detailsOf(task: TaskView, links: Links, isWhole: boolean): Html {
  const { taskList, id, type, version, savedAt, createdAt, attempt, headers, bytes } = task;
  const trace = headers.traceparent?.split("-")[1];
  return html`${noticesOf(task)}
<dl>
<dt>Type</dt><dd>${name(type)}</dd>
<dt>Saved</dt><dd>${ago(savedAt)} ago, ${savedAt}</dd>
<dt>Created</dt><dd>${createdAt ?? "–"}</dd>
<dt>Version</dt><dd>${version}</dd>
<dt>Attempt</dt><dd>${attempt}</dd>
<dt>Claim</dt><dd>${claimOf(task)}</dd>
${trace === undefined ? "" : html`<dt>Trace</dt><dd>${name(trace)}</dd>`}
${Object.entries(headers).map(([key, value]) => html`<dt>Header ${name(key)}</dt><dd>${name(value)}</dd>`)}
<dt>Data</dt><dd>${size(bytes)}, <a href="${links.bytes(taskList, id)}" download="task.bin">download the envelope’s bytes</a></dd>
</dl>
<h2>Data</h2>
${dataOf(task, links, isWhole)}`;
}

function noticesOf({ state, reason, unknownFields }: TaskView): Html {
  if (state !== "readable")
    return html`<p class="notice"><strong>${state === "damaged" ? "Damaged" : "Not readable here"}:</strong> ${name(reason ?? "")}.
Its bytes are below, in base64.</p>`;
  if (unknownFields === undefined) return html``;
  return html`<p class="notice">The data has fields that its type does not have here: ${name(unknownFields.join(", "))}.</p>`;
}

function dataOf({ taskList, id, data, bytes, isLeftOut }: TaskView, links: Links, isWhole: boolean): Html {
  const text = isLeftOut ? "" : JSON.stringify(data, undefined, 2);
  if (isWhole || (!isLeftOut && text.length <= SHOWN_AT_ONCE)) return block(text);
  return html`<p>It is long: ${isLeftOut ? size(bytes) : html`${size(text.length)} of JSON`}. <a href="${links.task(taskList, id, true)}">Show it all</a></p>`;
}

/** The forms, each in two steps, so that nobody completes a task by accident. */
function actionsOf({ taskList, id, version, claim }: TaskView, links: Links): Html {
  const field = html`<input type="hidden" name="version" value="${version}">`;
  return html`<h2>Actions</h2>
<details id="complete"><summary>Complete this task</summary>
<form method="post" action="${links.action("complete", taskList, id)}">${field}
<p>It is completed as if a worker had done it, and can’t be brought back. If it has been saved again meanwhile, it stays open.</p>
<button type="submit">Complete version ${version}</button>
</form></details>
${
  claim?.state !== "claimed"
    ? ""
    : html`<details id="release"><summary>End the claim</summary>
<form method="post" action="${links.action("release", taskList, id)}">${field}
<p>Another worker can claim it at once. ${name(claim.owner ?? "")} is not stopped: if it is still working, the task is done twice.</p>
<button type="submit">End the claim of ${name(claim.owner ?? "")}</button>
</form></details>`
}`;
}
