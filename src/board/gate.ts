import { hostOf, isSameSecret, securityHeaders } from "./security.js";

export interface GateOptions {
  readonly token: string;
  /** The accepted hosts, with their ports. */
  readonly hosts: ReadonlySet<string>;
  /** The name of the cookie; it differs for each port, since browsers share cookies between ports. */
  readonly cookie: string;
}

type Fetch = (request: Request) => Promise<Response>;

/**
 * Admits requests with the token: in the address, which is then exchanged for a cookie, or as a bearer token. Refuses requests
 * with an unknown host name (DNS rebinding).
 */
export function gate(fetch: Fetch, options: GateOptions): Fetch {
  return async (request) => {
    const url = new URL(request.url);
    if (url.pathname === "/healthz") return fetch(request);
    if (!options.hosts.has(hostOf(request)))
      return refuse(421, `This board is not called ${hostOf(request)}: start it with --allow-host`);
    const token = url.searchParams.get("token");
    if (token !== null && request.method === "GET") return logIn(url, token, options);
    if (isLoggedIn(request, options)) return fetch(request);
    return refuse(401, "Open the address that was printed when the board was started: it has the token");
  };
}

/** The token does not stay in the address, nor in the browser's history. */
function logIn(url: URL, token: string, { token: expected, cookie }: GateOptions): Response {
  if (!isSameSecret(token, expected))
    return refuse(401, "This is not the token of this board: each start has a new one");
  url.searchParams.delete("token");
  const headers = new Headers(securityHeaders);
  headers.set("Location", `${url.pathname}${url.search}`);
  headers.set("Set-Cookie", `${cookie}=${encodeURIComponent(token)}; Path=/; HttpOnly; SameSite=Strict`);
  return new Response(null, { status: 303, headers });
}

function isLoggedIn(request: Request, { token, cookie }: GateOptions): boolean {
  const [, bearer] = /^Bearer (.+)$/.exec(request.headers.get("Authorization") ?? "") ?? [];
  const cookies = (request.headers.get("Cookie") ?? "").split(/; */);
  const own = cookies.find((each) => each.startsWith(`${cookie}=`))?.slice(cookie.length + 1);
  return [bearer, own && decode(own)].some((each) => each !== undefined && isSameSecret(each, token));
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function refuse(status: number, text: string): Response {
  const headers = new Headers(securityHeaders);
  headers.set("Content-Type", "text/plain; charset=utf-8");
  return new Response(`${text}.\n`, { status, headers });
}
