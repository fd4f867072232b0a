import type { ChildProcess } from "node:child_process";
import type { PipeMessage } from "./pipes.js";
import type { Message } from "./queue.js";

/** The other end of the pipes: sends messages to processes that have capacity, and then forgets them. */
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

  /** Enqueues messages, like a process that sends them. */
  send(messages: readonly Message[]): void {
    this.#waiting.push(...messages);
    this.#deliver();
  }

  /** Drops all waiting messages, like a queue that is emptied by mistake. */
  flush(): void {
    this.#waiting = [];
  }

  /** One message to each process in turn. */
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
