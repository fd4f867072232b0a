package io.github.taskledger.worker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.UnknownFieldSet;
import com.sun.management.ThreadMXBean;
import io.github.taskledger.v1.TaskBatch;
import io.github.taskledger.v1.TaskEnvelope;
import io.github.taskledger.v1.TaskGroup;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Bytes and texts of which nothing is known: each gives tasks that can be passed on, or one of the documented errors. */
class HostileTest {
  private static final int ROUNDS = 10_000;

  /** Memory is bounded by what is read at once: none of these is longer. */
  private static final int LIMIT = 64 * 1024;

  private static final List<byte[]> ENVELOPES = binaries("envelopes", "binary");
  private static final List<byte[]> BATCHES =
      Stream.concat(binaries("batches", "binary").stream(), Stream.of(repeat("\u0082\u0001\0", LIMIT / 2))).toList();
  private static final List<byte[]> STREAMS = streams();
  private static final List<byte[]> HASHES = hashes();
  private static final List<byte[]> PARTS = Stream.of(
          "\0", "\u00ff", "\u0080".repeat(5), "\u00ff".repeat(10), "\u0082\u0001", "\u008a\u0001", "\n\0", ":\0", "\u001b")
      .map(part -> part.getBytes(StandardCharsets.ISO_8859_1))
      .toList();
  private static final List<byte[]> WORDS = Stream.of(
          "{", "}", "\"", "\\", "\\ud800", "null", "-0", "1e999", "NaN", ",", ":", "\"@type\":", "\0", "\ufeff", "é", "[".repeat(300))
      .map(word -> word.getBytes(StandardCharsets.UTF_8))
      .toList();

  /** Each, what it reads, and the errors that it is documented to throw. */
  enum Decoder {
    BINARY(ENVELOPES, PARTS, Code.INVALID_ENVELOPE),
    HASH(HASHES, WORDS, Code.INVALID_HASH, Code.UNKNOWN_TYPE),
    BATCH(BATCHES, PARTS, Code.TOO_LARGE, Code.INVALID_BATCH, Code.INVALID_ENVELOPE),
    FRAMES(STREAMS, PARTS, Code.TOO_LARGE, Code.INVALID_BATCH, Code.INVALID_ENVELOPE, Code.TRUNCATED);

    private final List<byte[]> samples;
    private final List<byte[]> pieces;
    private final Set<String> outcomes = new TreeSet<>(Set.of("whole"));

    Decoder(List<byte[]> samples, List<byte[]> pieces, Code... codes) {
      this.samples = samples;
      this.pieces = pieces;
      for (Code code : codes) outcomes.add(code.name());
    }

    void read(byte[] data, int limit, Consumer<TaskEnvelope> consumer) throws IOException {
      switch (this) {
        case BINARY -> consumer.accept(Envelopes.decode(data, limit));
        case HASH ->
            consumer.accept(Hashes.read(new String(data, StandardCharsets.UTF_8), VectorsTest.TYPES, false, limit));
        case BATCH -> Batches.decode(data, limit, consumer);
        case FRAMES -> {
          ByteArrayInputStream stream = new ByteArrayInputStream(data);
          Optional<byte[]> frame;
          while ((frame = Frames.read(stream, limit)).isPresent()) Frames.tasks(frame.get(), consumer);
        }
      }
    }

    /** The code of the error that ended the tasks. What is read can be written, and read again. */
    String outcomeOf(byte[] data) throws IOException {
      try {
        read(data, LIMIT, task -> assertEquals(task, Envelopes.decode(Envelopes.encode(task), Envelopes.MAX_TASK_BYTES)));
      } catch (InvalidTaskException error) {
        return error.code().name();
      }
      return "whole";
    }

    /** Changes a sample at one place to three. */
    byte[] mutate(Random random) {
      byte[] value = pick(samples, random);
      for (int i = random.nextInt(3); i >= 0; i--) {
        int first = random.nextInt(value.length + 1);
        int second = random.nextInt(value.length + 1);
        int at = Math.min(first, second);
        int end = Math.max(first, second);
        byte[] other = pick(samples, random);
        value = switch (random.nextInt(6)) {
          case 0 -> join(value, at, pick(pieces, random), 0, value, at);
          case 1 -> join(value, at, pick(pieces, random), 0, value, Math.min(at + 1, value.length));
          case 2 -> join(value, at, value, end);
          case 3 -> join(value, end, value, at);
          case 4 -> join(value, at, other, random.nextInt(other.length + 1));
          default -> join(value, at, value, value.length);
        };
      }
      return value;
    }
  }

  /** A text, each of whose characters is a byte, as often as it fits into so many bytes. */
  private static byte[] repeat(String part, int size) {
    return part.repeat(size / part.length()).getBytes(StandardCharsets.ISO_8859_1);
  }

  private static byte[] pick(List<byte[]> all, Random random) {
    return all.get(random.nextInt(all.size()));
  }

  /** The beginning of one, and the end of another. */
  private static byte[] join(byte[] begin, int until, byte[] end, int from) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    bytes.write(begin, 0, until);
    bytes.write(end, from, end.length - from);
    return bytes.toByteArray();
  }

  private static byte[] join(byte[] begin, int until, byte[] middle, int from, byte[] end, int rest) {
    byte[] head = join(begin, until, middle, from);
    return join(head, head.length, end, rest);
  }

  private static Stream<JsonObject> cases(String kind) {
    return VectorsTest.MANIFEST.getAsJsonArray(kind).asList().stream().map(JsonElement::getAsJsonObject);
  }

  private static List<byte[]> binaries(String kind, String key) {
    return cases(kind)
        .map(each -> Base64.getDecoder().decode(each.get(key).getAsString()))
        .filter(bytes -> bytes.length <= LIMIT / 2)
        .toList();
  }

  private static List<byte[]> hashes() {
    Stream<String> written = cases("envelopes").map(each -> each.get("hash").toString());
    Stream<String> others = cases("hashes").map(each -> each.get("text").getAsString());
    return Stream.concat(written, others).map(text -> text.getBytes(StandardCharsets.UTF_8)).toList();
  }

  private static List<byte[]> streams() {
    List<byte[]> streams = new ArrayList<>(binaries("streams", "stream"));
    streams.add(framed(ENVELOPES.subList(0, 3)));
    streams.add(framed(BATCHES.subList(0, 4)));
    streams.add(framed(List.of(ENVELOPES.get(0), BATCHES.get(1))));
    return streams;
  }

  private static byte[] framed(List<byte[]> messages) {
    ByteArrayOutputStream stream = new ByteArrayOutputStream();
    try {
      for (byte[] message : messages) Frames.write(stream, message);
    } catch (IOException impossible) {
      throw new UncheckedIOException(impossible);
    }
    return stream.toByteArray();
  }

  @ParameterizedTest
  @EnumSource
  void whatWasChangedAtRandomIsReadOrRefusedWithADocumentedError(Decoder decoder) throws IOException {
    Random random = new Random(1);
    Set<String> found = new TreeSet<>();
    for (byte[] sample : decoder.samples) found.add(decoder.outcomeOf(sample));
    for (int i = 0; i < ROUNDS; i++) found.add(decoder.outcomeOf(decoder.mutate(random)));
    assertEquals(decoder.outcomes, found);
  }

  @ParameterizedTest
  @EnumSource
  void bytesAtRandomAreReadOrRefusedWithADocumentedError(Decoder decoder) throws IOException {
    Random random = new Random(2);
    Set<String> found = new TreeSet<>();
    for (int i = 0; i < ROUNDS; i++) {
      byte[] data = new byte[random.nextInt(100)];
      random.nextBytes(data);
      found.add(decoder.outcomeOf(data));
    }
    assertTrue(decoder.outcomes.containsAll(found), found::toString);
  }

  /** What the tasks of a batch may share, each as much as may be. */
  enum Shared {
    HEADERS {
      @Override
      void add(TaskEnvelope.Builder shared, int i) {
        shared.putHeaders("" + (char) (0x21 + i / 90) + (char) (0x21 + i % 90), "");
      }
    },
    A_HEADER {
      @Override
      void add(TaskEnvelope.Builder shared, int i) {
        shared.putHeaders("a", "a".repeat(i));
      }
    },
    UNKNOWN_FIELDS {
      @Override
      void add(TaskEnvelope.Builder shared, int i) {
        shared.mergeUnknownFields(UNKNOWN);
      }
    },
    UNKNOWN_FIELDS_OF_THE_DATA {
      @Override
      void add(TaskEnvelope.Builder shared, int i) {
        shared.getDataBuilder().mergeUnknownFields(UNKNOWN);
      }
    },
    UNKNOWN_FIELDS_OF_A_TIME {
      @Override
      void add(TaskEnvelope.Builder shared, int i) {
        shared.getCreatedAtBuilder().mergeUnknownFields(UNKNOWN);
      }
    },
    A_LIST_AND_A_TYPE {
      @Override
      void add(TaskEnvelope.Builder shared, int i) {
        shared.setTaskList("l".repeat(i / 2 + 1)).getDataBuilder().setTypeUrl("x/" + "a".repeat(i / 2 + 1));
      }
    };

    private static final UnknownFieldSet UNKNOWN = UnknownFieldSet.newBuilder().mergeVarintField(100, 1).build();

    abstract void add(TaskEnvelope.Builder shared, int i);

    TaskEnvelope envelope() {
      TaskEnvelope.Builder shared = TaskEnvelope.newBuilder().setTaskList("l").setData(Any.newBuilder().setTypeUrl("x/a"));
      for (int i = 0; shared.build().getSerializedSize() <= 1024 - 9; i++) add(shared, i);
      return shared.build();
    }
  }

  /** A batch of as many tasks as it may have, of five bytes each beside what they share. */
  private static byte[] largest(TaskEnvelope shared) {
    TaskGroup group = TaskGroup.newBuilder()
        .setShared(shared)
        .addAllIds(Collections.nCopies(Batches.MAX_TASKS, "a"))
        .addAllData(Collections.nCopies(Batches.MAX_TASKS, ByteString.EMPTY))
        .build();
    return TaskBatch.newBuilder().addGroups(group).build().toByteArray();
  }

  /** Reads tasks and keeps them. Whatever that allocates must be in proportion to the input. */
  private static String keepAll(Decoder decoder, byte[] input, List<TaskEnvelope> kept) throws IOException {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    String code = "whole";
    long before = threads.getCurrentThreadAllocatedBytes();
    try {
      decoder.read(input, Envelopes.MAX_TASK_BYTES, kept::add);
    } catch (InvalidTaskException error) {
      code = error.code().name();
    }
    long allocated = threads.getCurrentThreadAllocatedBytes() - before;
    assertTrue(allocated <= 1_000_000 + 128L * input.length, () -> input.length + " bytes took " + allocated);
    return code;
  }

  @ParameterizedTest
  @EnumSource
  void whatTheTasksOfABatchShareIsNotCopiedForEach(Shared shared) throws IOException {
    List<TaskEnvelope> kept = new ArrayList<>();
    TaskEnvelope envelope = shared.envelope();
    assertEquals("whole", keepAll(Decoder.BATCH, largest(envelope), kept));
    assertEquals(Collections.nCopies(Batches.MAX_TASKS, envelope.toBuilder().setId("a").build()), kept);
  }

  @ParameterizedTest
  @ValueSource(strings = {
    "\u0082\u0001\0", "\u0082\u0001\u0002\n\0", "\u0082\u0001\u0004\n\u0002:\0", "\u0082\u0001\u0004\n\u0002\u001a\0",
    "\u0088\u0001\0", "\u0080\u0002\0"
  })
  void aBatchOfAsManySmallPartsAsFitIsRefused(String part) throws IOException {
    byte[] batch = repeat(part, Envelopes.MAX_TASK_BYTES);
    assertTrue(Set.of("TOO_LARGE", "INVALID_BATCH").contains(keepAll(Decoder.BATCH, batch, new ArrayList<>())));
  }

  /** Batches of one task, of a dozen bytes or two. */
  enum Single {
    PLAIN {
      @Override
      void change(TaskGroup.Builder group) {}
    },
    WITH_TIMES {
      @Override
      void change(TaskGroup.Builder group) {
        group.addCreatedAt(1).addSavedAt(1);
      }
    },
    WITH_A_REST {
      @Override
      void change(TaskGroup.Builder group) {
        group.addRest(ByteString.EMPTY);
      }
    },
    WITH_AN_ATTEMPT {
      @Override
      void change(TaskGroup.Builder group) {
        group.getSharedBuilder().setAttempt(1);
      }
    },
    WITH_A_HEADER {
      @Override
      void change(TaskGroup.Builder group) {
        group.getSharedBuilder().putHeaders("", "");
      }
    };

    abstract void change(TaskGroup.Builder group);

    byte[] batch() {
      TaskGroup.Builder group = TaskGroup.newBuilder().addIds("a").addData(ByteString.EMPTY);
      group.getSharedBuilder().setTaskList("l").getDataBuilder().setTypeUrl("a");
      change(group);
      return TaskBatch.newBuilder().addGroups(group).build().toByteArray();
    }
  }

  @ParameterizedTest
  @EnumSource
  void batchesOfOneTaskTakeLittleMemoryBesideTheirTasks(Single single) throws IOException {
    byte[] batch = single.batch();
    int count = Envelopes.MAX_TASK_BYTES / batch.length;
    List<TaskEnvelope> kept = new ArrayList<>(count);
    assertEquals("whole", keepAll(Decoder.FRAMES, framed(Collections.nCopies(count, batch)), kept));
    assertEquals(count, kept.size());
  }

  /** What begins, what is repeated, with a number in the place of a #, and what ends. */
  @ParameterizedTest
  @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
    "'items':[|{}|]", "'totals':{'b':'1','a':'1'},'items':[|{}|]", "'items':[|{'attributes':{'':''}}|]",
    "'items':[|{'attributes':{'b':'','a':''}}|]", "'items':[{'attributes':{|'#':''|}}]", "'totals':{|'#':0|}"
  })
  void aHashTakesLittleMemoryBesideWhatProtobufTakes(String begin, String part, String end) throws IOException {
    StringBuilder text = new StringBuilder("{'taskList':'l','id':'i','data':{'@type':'x/example.v1.IndexCatalogue'," + begin);
    for (int i = 0; text.length() < 500_000; i++) text.append(i == 0 ? "" : ",").append(part.replace("#", Integer.toString(i, 36)));
    byte[] hash = text.append(end).append("}}").toString().replace('\'', '"').getBytes(StandardCharsets.UTF_8);
    assertEquals("whole", keepAll(Decoder.HASH, hash, new ArrayList<>()));
  }
}
