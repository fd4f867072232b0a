import type { Client } from "cassandra-driver";
import { type ControlConnection, internalsOf } from "../internals.js";

const guarded = new WeakSet<ControlConnection>();

/**
 * Lets a client look for a new control connection only once at a time. If no node answered for a while, cassandra-driver 4.10
 * notices the next loss twice, and looks for a new connection twice at once; one then uses what the other has just reset, in
 * the background, where nothing catches its TypeError: the process would end.
 */
export function refreshOnce(client: Client): void {
  const { controlConnection } = internalsOf(client);
  const refresh = controlConnection?._refresh?.bind(controlConnection);
  if (controlConnection === undefined || refresh === undefined || guarded.has(controlConnection)) return;
  guarded.add(controlConnection);
  let refreshing: Promise<void> | undefined;
  controlConnection._refresh = (hosts) => {
    // The attempt in progress continues with the remaining hosts.
    if (hosts) return refresh(hosts);
    refreshing ??= refresh().finally(() => {
      refreshing = undefined;
    });
    return refreshing;
  };
}
