import { recover } from "taskledger";
import { runPart } from "../../examples/orders/part.js";

/* A process that recovers all lists of the example's service, beside whatever else works on them. */
await runPart(async ({ tasks, version, settings, signal }) => {
  const { olderThan, lease, every, concurrency } = settings.timing;
  const options = { olderThan, lease, every, concurrency, backoff: { initial: 100 }, signal };
  await recover(tasks, [...version.lists, "bookings"], undefined, options);
});
