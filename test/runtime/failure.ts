import { TaskError } from "taskledger";
import { expect } from "vitest";

/** The TaskError that an act throws, or that its promise rejects with. */
export async function failureOf(act: () => unknown): Promise<TaskError> {
  let result: unknown;
  try {
    result = await act();
  } catch (error) {
    expect(error).toBeInstanceOf(TaskError);
    return error as TaskError;
  }
  throw new Error(`nothing was thrown; it gave ${String(result)}`);
}

/** What an act throws at once, if it does. */
export function thrownBy(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  return undefined;
}
