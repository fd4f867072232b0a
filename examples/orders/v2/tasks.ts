import { CompositeTask, type ExecuteContext, type Task } from "taskledger";
import type { Order, Version } from "../order.js";
import {
  AwardPointsTask,
  BookChargeTask,
  ChargeCardTask,
  IndexOrderTask,
  SendReceiptTask,
} from "./gen/shop/v1/tasks_task.js";

class ChargeCard extends ChargeCardTask {
  /** Tasks that follow from this one are saved before it is completed. */
  override async execute(context: ExecuteContext): Promise<void> {
    const { orderId, card, cents } = this;
    await context.services.outside.ask("charge", orderId, context, { card, cents: String(cents) });
    await BookCharge.create({ taskList: "bookings", orderId, cents });
  }
}

class SendReceipt extends SendReceiptTask {
  override execute(context: ExecuteContext): Promise<void> {
    const language = this.language || "en"; // a task of version 1 has none
    return context.services.outside.ask("receipt", this.orderId, context, { language });
  }
}

class IndexOrder extends IndexOrderTask {
  override execute(context: ExecuteContext): Promise<void> {
    return context.services.outside.ask("index", this.orderId, context);
  }
}

class AwardPoints extends AwardPointsTask {
  override execute(context: ExecuteContext): Promise<void> {
    return context.services.outside.ask("points", this.orderId, context);
  }
}

class BookCharge extends BookChargeTask {
  override execute(context: ExecuteContext): Promise<void> {
    return context.services.outside.ask("booking", this.orderId, context);
  }
}

/** The second version: receipts have a language, and there are tasks for points, which the first does not know. */
export const version: Version = {
  types: [ChargeCard, SendReceipt, IndexOrder, AwardPoints, BookCharge, CompositeTask],
  lists: ["charges", "receipts", "index", "points"],
  tasksOf: ({ id: orderId, card, cents, mailbox, words, language = "en" }: Order): Task[] => [
    ChargeCard.build({ taskList: "charges", orderId, card, cents: BigInt(cents) }),
    SendReceipt.build({ taskList: "receipts", orderId, mailbox, language }),
    IndexOrder.build({ taskList: "index", orderId, words: [...words] }),
    AwardPoints.build({ taskList: "points", orderId, points: Math.floor(cents / 100) }),
  ],
};
