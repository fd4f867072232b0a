import { formatDuration } from "../../inspection/duration.js";

// What runs in the page. The server makes all markup; here it is only put in the place of the old.

const AGES_EVERY = 1_000;

const status = document.getElementById("live");
let source: EventSource | undefined;

function mainElement(): HTMLElement {
  return document.getElementById("main") as HTMLElement;
}

function say(text: string, state: "live" | "late"): void {
  if (status === null) return;
  status.hidden = false;
  status.dataset.state = state;
  if (status.textContent !== text) status.textContent = text;
}

/** While the page is not looked at, nothing is asked for. */
function connect(): void {
  const { events, seen = "" } = mainElement().dataset;
  if (events === undefined || document.hidden || source !== undefined) return;
  source = new EventSource(`${events}&seen=${encodeURIComponent(seen)}`);
  source.addEventListener("alive", () => say("Live", "live"));
  source.addEventListener("page", ({ data }: MessageEvent<string>) => {
    say("Live", "live");
    show(data);
  });
  source.addEventListener("trouble", ({ data }: MessageEvent<string>) => say(data, "late"));
  source.addEventListener("error", () => {
    say("Not connected; trying again", "late");
    if (source?.readyState === EventSource.CLOSED) disconnect();
  });
}

function disconnect(): void {
  source?.close();
  source = undefined;
}

function show(markup: string): void {
  const old = mainElement();
  // What is about to be done was decided by what was to be seen: it must not change under the finger.
  if (old.querySelector("details[open]")) {
    say("This page has changed; reload it to see how", "late");
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
