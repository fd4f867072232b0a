package io.github.taskledger.worker.cassandra;

import com.google.gson.JsonObject;
import com.google.protobuf.Message;
import com.google.protobuf.util.JsonFormat;
import com.google.protobuf.util.JsonFormat.TypeRegistry;
import com.sun.management.ThreadMXBean;
import example.v1.EveryKindOuterClass.EveryKind;
import example.v1.FetchFileOuterClass.FetchFile;
import example.v1.SendMailOuterClass.SendMail;
import example.v1.Sizes.CopyFile;
import example.v1.Sizes.IndexCatalogue;
import example.v1.Sizes.TranscodeVideo;
import io.github.taskledger.v1.TaskEnvelope;
import io.github.taskledger.worker.Batches;
import io.github.taskledger.worker.Envelopes;
import io.github.taskledger.worker.Frames;
import io.github.taskledger.worker.Hashes;
import io.github.taskledger.worker.InvalidTaskException;
import io.github.taskledger.worker.TaskTypes;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What it takes to read some input and keep what it stands for: milliseconds of the processor, and all memory that is allocated. */
final class Cost {
  private static final List<Message> MESSAGES = List.of(
      CopyFile.getDefaultInstance(),
      EveryKind.getDefaultInstance(),
      FetchFile.getDefaultInstance(),
      IndexCatalogue.getDefaultInstance(),
      SendMail.getDefaultInstance(),
      TranscodeVideo.getDefaultInstance());
  private static final TaskTypes TYPES = new TaskTypes(MESSAGES.toArray(Message[]::new));
  private static final TypeRegistry REGISTRY =
      TypeRegistry.newBuilder().add(MESSAGES.stream().map(Message::getDescriptorForType).toList()).build();

  private static final Map<String, Reader> READERS = Map.of(
      "batch", (input, kept) -> Batches.decode(input, Envelopes.MAX_TASK_BYTES, kept::add),
      "binary", (input, kept) -> {
        TaskEnvelope envelope = Envelopes.decode(input, Envelopes.MAX_TASK_BYTES);
        kept.add(envelope);
        kept.add(Envelopes.decodeData(envelope, TYPES));
      },
      "frames", (input, kept) -> {
        InputStream stream = new ByteArrayInputStream(input);
        Optional<byte[]> frame;
        while ((frame = Frames.read(stream, Frames.MAX_FRAME_BYTES)).isPresent()) Frames.tasks(frame.get(), kept::add);
      },
      "hash", (input, kept) -> kept.add(Hashes.read(new String(input, StandardCharsets.UTF_8), TYPES, false)));

  /** What protobuf alone does instead. */
  private static final Map<String, Reader> LIBRARY = Map.of(
      "binary", (input, kept) -> {
        TaskEnvelope envelope = TaskEnvelope.parseFrom(input);
        kept.add(envelope);
        for (Message each : MESSAGES)
          if (each.getDescriptorForType().getFullName().equals(Envelopes.typeOf(envelope)))
            kept.add(each.getParserForType().parseFrom(envelope.getData().getValue()));
      },
      "hash", (input, kept) -> {
        TaskEnvelope.Builder envelope = TaskEnvelope.newBuilder();
        JsonFormat.parser().usingTypeRegistry(REGISTRY).merge(new String(input, StandardCharsets.UTF_8), envelope);
        kept.add(envelope.build());
      });

  private interface Reader {
    void read(byte[] input, List<Object> kept) throws IOException;
  }

  private Cost() {}

  static void measure(JsonObject command, JsonObject answer) {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    byte[] input = Base64.getDecoder().decode(Driver.text(command, "input"));
    boolean isAlone = command.has("alone") && command.get("alone").getAsBoolean();
    Reader reader = (isAlone ? LIBRARY : READERS).get(Driver.text(command, "decoder"));
    int repeats = command.get("repeats").getAsInt();
    long allocated = threads.getCurrentThreadAllocatedBytes();
    read(reader, input);
    answer.addProperty("memory", threads.getCurrentThreadAllocatedBytes() - allocated);
    long start = threads.getCurrentThreadCpuTime();
    for (int i = 0; i < repeats; i++) read(reader, input);
    answer.addProperty("time", (threads.getCurrentThreadCpuTime() - start) / 1e6 / repeats);
  }

  /** That it is refused takes time and memory, too. */
  private static List<Object> read(Reader reader, byte[] input) {
    List<Object> kept = new ArrayList<>();
    try {
      reader.read(input, kept);
    } catch (InvalidTaskException | IOException refused) {
      kept.add(refused);
    }
    return kept;
  }
}
