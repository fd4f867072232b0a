import { once } from "node:events";
import { createReadStream } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join, normalize } from "node:path";
import { pipeline } from "node:stream/promises";

export interface FileServer {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  close(): void;
}

/** Serves a folder's files to this machine. */
export async function serveFiles(folder: string): Promise<FileServer> {
  const server = createServer(async (request, response) => {
    try {
      const path = normalize(decodeURIComponent(new URL(request.url ?? "/", "http://localhost").pathname));
      await pipeline(createReadStream(join(folder, path)), response);
    } catch {
      // A part of the file may have been sent already: the client must see that it is incomplete.
      if (response.headersSent) response.destroy();
      else response.writeHead(404).end();
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => shut(server) };
}

function shut(server: Server): void {
  server.close();
  server.closeAllConnections();
}
