import type { ChildProcess } from "node:child_process";
import type { PipeMessage } from "./pipes.js";
import type { Message } from "./queue.js";

/** The other end of the pipes: hands messages to whoever has room. What it has handed over, it has forgotten. */
export class Broker {
  #waiting: Message[] = [];
  readonly #rooms = new Map<ChildProcess, number>();

  get waiting(): number {
    return this.#waiting.length;
  }

  connect(child: ChildProcess): void {
    child.on("message", (message: PipeMessage) => {
      if (message.pipe === "send") this.#waiting.push(...message.messages);
      if (message.pipe === "ready") this.#rooms.set(child, (this.#rooms.get(child) ?? 0) + message.room);
      this.#deliver();
    });
    child.once("exit", () => this.#rooms.delete(child));
  }

  /** Puts messages there, as a process does that sends them. */
  send(messages: readonly Message[]): void {
    this.#waiting.push(...messages);
    this.#deliver();
  }

  /** Loses all that waits, as a queue does that is emptied by mistake. */
  flush(): void {
    this.#waiting = [];
  }

  /** One to each in turn, so that none is passed by. */
  #deliver(): void {
    for (;;) {
      const [child, room] = [...this.#rooms].find(([each, left]) => left > 0 && each.connected) ?? [];
      const message = child && this.#waiting.shift();
      if (child === undefined || message === undefined) return;
      this.#rooms.delete(child);
      this.#rooms.set(child, (room ?? 1) - 1);
      child.send({ pipe: "deliver", body: message.body } satisfies PipeMessage, () => undefined);
    }
  }
}
