import { formatDuration } from "../../inspection/duration.js";

// The script of the pages. The server makes all markup; the script only replaces the old one.

const AGES_EVERY = 1_000;

const status = document.getElementById("live");
let source: EventSource | undefined;

function mainElement(): HTMLElement {
  return document.getElementById("main") as HTMLElement;
}

function showStatus(text: string, state: "live" | "late"): void {
  if (status === null) return;
  status.hidden = false;
  status.dataset.state = state;
  if (status.textContent !== text) status.textContent = text;
}

/** Connects, unless the page is hidden: then it asks for nothing. */
function connect(): void {
  const { events, seen = "" } = mainElement().dataset;
  if (events === undefined || document.hidden || source !== undefined) return;
  source = new EventSource(`${events}&seen=${encodeURIComponent(seen)}`);
  source.addEventListener("alive", () => showStatus("Live", "live"));
  source.addEventListener("page", ({ data }: MessageEvent<string>) => {
    showStatus("Live", "live");
    show(data);
  });
  source.addEventListener("trouble", ({ data }: MessageEvent<string>) => showStatus(data, "late"));
  source.addEventListener("error", () => {
    showStatus("Not connected; trying again", "late");
    if (source?.readyState === EventSource.CLOSED) disconnect();
  });
}

function disconnect(): void {
  source?.close();
  source = undefined;
}

function show(markup: string): void {
  const old = mainElement();
  // Somebody is about to act on what the page shows: it must not change now.
  if (old.querySelector("details[open]")) {
    showStatus("This page has changed; reload it to see how", "late");
    return;
  }
  const next = new DOMParser().parseFromString(markup, "text/html").getElementById("main");
  if (next === null) return;
  const focus = pathOf(document.activeElement);
  old.replaceWith(document.adoptNode(next));
  if (focus !== undefined) document.querySelector<HTMLElement>(focus)?.focus({ preventScroll: true });
  updateAges();
}

/** Where the focus was: on the page itself, or on a link in it. */
function pathOf(element: Element | null): string | undefined {
  if (element?.id === "main") return "#main";
  const href = element?.closest("#main a")?.getAttribute("href");
  return href ? `#main a[href="${CSS.escape(href)}"]` : undefined;
}

function updateAges(): void {
  for (const time of document.querySelectorAll<HTMLTimeElement>("time[data-kind]")) {
    const passed = Date.now() - Date.parse(time.dateTime);
    const text = formatDuration(time.dataset.kind === "ago" ? passed : -passed);
    if (time.textContent !== text) time.textContent = text;
  }
}

document.addEventListener("visibilitychange", () => (document.hidden ? disconnect() : connect()));
setInterval(updateAges, AGES_EVERY);
connect();
