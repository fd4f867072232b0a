import { printableLine } from "../../inspection/printable.js";
import { fingerprintOf, type Page, type PageRequest } from "../page-data.js";
import { type Html, html } from "./html.js";
import { listView } from "./list-view.js";
import { listsView } from "./lists-view.js";
import { taskView } from "./task-view.js";
import type { ViewContext } from "./view-context.js";

/** The part of a page that changes, with the address of its events and its fingerprint. */
export function mainOf(page: Page, request: PageRequest, context: ViewContext): Html {
  const { links } = context;
  return html`<main id="main" tabindex="-1" data-events="${links.events(request)}" data-seen="${fingerprintOf(page)}">
${contentOf(page, context)}
</main>`;
}

function contentOf(page: Page, context: ViewContext): Html {
  switch (page.view) {
    case "lists":
      return listsView(page, context);
    case "list":
      return listView(page, context);
    case "task":
      return taskView(page, context);
  }
}

export function titleOf(page: Page): string {
  switch (page.view) {
    case "lists":
      return "Lists";
    case "list":
      return printableLine(page.list.taskList);
    case "task":
      return printableLine(`${page.id} · ${page.taskList}`);
  }
}
