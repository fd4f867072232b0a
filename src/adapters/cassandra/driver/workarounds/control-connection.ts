import type { Client } from "cassandra-driver";

/** The driver's own connection, by which it hears of nodes, as far as it is known here. */
interface ControlConnection {
  _refresh?: (hosts?: Iterator<unknown>) => Promise<void>;
}

const guarded = new WeakSet<ControlConnection>();

/**
 * Has a client look for a new control connection once at a time. Where no node answered for a while, cassandra-driver 4.10
 * notices the next loss twice, and looks for a new connection twice at once; one of the two then uses what the other has
 * just reset, in the background, where nobody catches its TypeError: the process would end.
 */
export function refreshOnce(client: Client): void {
  const { controlConnection } = client as unknown as { controlConnection?: ControlConnection };
  const refresh = controlConnection?._refresh?.bind(controlConnection);
  if (controlConnection === undefined || refresh === undefined || guarded.has(controlConnection)) return;
  guarded.add(controlConnection);
  let underWay: Promise<void> | undefined;
  controlConnection._refresh = (hosts) => {
    // Going on with the hosts that are left belongs to the one that is under way.
    if (hosts) return refresh(hosts);
    underWay ??= refresh().finally(() => {
      underWay = undefined;
    });
    return underWay;
  };
}
