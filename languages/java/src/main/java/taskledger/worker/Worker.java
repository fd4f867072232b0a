package taskledger.worker;

import com.google.protobuf.Message;
import java.io.IOException;
import java.io.InputStream;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import taskledger.v1.Envelope.TaskEnvelope;

/**
 * Does tasks, each by the handler of its type, and completes those that were done.
 *
 * <pre>{@code
 * new Worker(ledger::complete)
 *     .does(FetchFile.getDefaultInstance(), (envelope, file) -> fetch(file))
 *     .run(System.in);
 * }</pre>
 */
public final class Worker {
  private final Map<String, Message> types = new HashMap<>();
  private final Map<String, BiConsumer<TaskEnvelope, Message>> handlers = new HashMap<>();
  private final Consumer<TaskEnvelope> complete;
  private Wire.Types known = new Wire.Types();

  public Worker(Consumer<TaskEnvelope> complete) {
    this.complete = complete;
  }

  /** Gives tasks of a message's type to a handler. What it throws leaves the task open. */
  @SuppressWarnings("unchecked")
  public <M extends Message> Worker does(M type, BiConsumer<TaskEnvelope, ? super M> handler) {
    String name = type.getDescriptorForType().getFullName();
    types.put(name, type);
    known = new Wire.Types(types.values().toArray(Message[]::new));
    handlers.put(name, (envelope, data) -> handler.accept(envelope, (M) data));
    return this;
  }

  /** Does a task and completes it; false where it has no handler, or does not decode. It then stays open, for others. */
  public boolean run(TaskEnvelope envelope) {
    Optional<Message> data = Wire.decodeData(envelope, known);
    if (data.isEmpty()) return false;
    handlers.get(Wire.typeOf(envelope)).accept(envelope, data.get());
    complete.accept(envelope);
    return true;
  }

  /** Does the tasks of a stream of frames, each an envelope or a batch, up to its end. */
  public void run(InputStream frames) throws IOException {
    for (Optional<byte[]> frame; (frame = Wire.readFrame(frames, Wire.MAX_FRAME_BYTES)).isPresent(); )
      if (Batch.isBatch(frame.get())) Batch.decode(frame.get(), Wire.MAX_TASK_BYTES, this::run);
      else run(Wire.decode(frame.get(), Wire.MAX_TASK_BYTES));
  }
}
