import { CompositeTask, type ExecuteContext, type Task } from "taskledger";
import type { Order, Version } from "../order.js";
import { BookChargeTask, ChargeCardTask, IndexOrderTask, SendReceiptTask } from "./gen/shop/v1/tasks_task.js";

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
    return context.services.outside.ask("receipt", this.orderId, context);
  }
}

class IndexOrder extends IndexOrderTask {
  override execute(context: ExecuteContext): Promise<void> {
    return context.services.outside.ask("index", this.orderId, context);
  }
}

class BookCharge extends BookChargeTask {
  override execute(context: ExecuteContext): Promise<void> {
    return context.services.outside.ask("booking", this.orderId, context);
  }
}

/** The first version of the program. Each type has a list of its own: ids are unique in one, across types. */
export const version: Version = {
  types: [ChargeCard, SendReceipt, IndexOrder, BookCharge, CompositeTask],
  lists: ["charges", "receipts", "index"],
  tasksOf: ({ id: orderId, card, cents, mailbox, words }: Order): Task[] => [
    ChargeCard.build({ taskList: "charges", orderId, card, cents: BigInt(cents) }),
    SendReceipt.build({ taskList: "receipts", orderId, mailbox }),
    IndexOrder.build({ taskList: "index", orderId, words: [...words] }),
  ],
};
