import type { ExecuteContext } from "taskledger";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { digest } from "./files.js";

/** What a worker does with a FetchFileTask. */
export class FetchFile extends FetchFileTask {
  /** Fetches the file; resolves to its SHA-256. */
  override async execute({ signal }: ExecuteContext): Promise<string> {
    const path = this.filename.split("/").map(encodeURIComponent).join("/");
    const response = await fetch(`http://${this.externalHost}/${path}`, { signal });
    if (!response.ok || response.body === null) throw new Error(`${this.filename}: HTTP ${response.status}`);
    return digest(response.body);
  }
}
