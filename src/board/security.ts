import { createHash, timingSafeEqual } from "node:crypto";

/** Pages show untrusted data: only the board's own files may run or be loaded. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join("; ");

export const securityHeaders: Readonly<Record<string, string>> = {
  "Content-Security-Policy": policy,
  "Cache-Control": "no-store",
  // With "no-referrer", browsers would send "Origin: null" for the board's own forms, too.
  "Referrer-Policy": "same-origin",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
};

/**
 * Whether a page of the board itself sent the request. Every browser sends the origin of a POST; a request without one comes
 * from another site, or is not a browser's. Behind a proxy the scheme may differ.
 */
export function isFromBoard(request: Request): boolean {
  const origin = request.headers.get("Origin");
  const site = request.headers.get("Sec-Fetch-Site");
  if (origin === null || !URL.canParse(origin)) return false;
  return new URL(origin).host === hostOf(request) && (site === null || site === "same-origin");
}

/** The host, with its port, as the client named it. */
export function hostOf(request: Request): string {
  return (request.headers.get("Host") ?? new URL(request.url).host).toLowerCase();
}

/** Compares in constant time. */
export function isSameSecret(a: string, b: string): boolean {
  const [left, right] = [a, b].map((text) => createHash("sha256").update(text).digest());
  return timingSafeEqual(left as Buffer, right as Buffer);
}
