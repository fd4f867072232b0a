package io.github.taskledger.worker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import example.v1.FetchFileOuterClass.FetchFile;
import io.github.taskledger.v1.TaskEnvelope;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EnvelopesTest {
  private static Code codeOf(org.junit.jupiter.api.function.Executable act) {
    return assertThrows(TaskException.class, act).code();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "\0", "\ud800"})
  void aTaskWithAKeyThatNobodyCouldReadIsNotBuilt(String key) {
    assertEquals(Code.INVALID_KEY, codeOf(() -> Envelopes.create(key, FetchFile.getDefaultInstance())));
    assertEquals(Code.INVALID_KEY, codeOf(() -> Envelopes.create("l", key, FetchFile.getDefaultInstance())));
    TaskEnvelope envelope = TaskEnvelope.newBuilder().setTaskList("l").setId(key).build();
    assertEquals(Code.INVALID_ENVELOPE, codeOf(() -> Envelopes.encodeBody(envelope, 1000)));
  }

  @Test
  void aHeaderThatIsNoUnicodeIsNotSaved() {
    TaskEnvelope envelope = Envelopes.create("l", FetchFile.getDefaultInstance());
    TaskEnvelope spoiled = envelope.toBuilder().putHeaders("a", "\udc00").build();
    assertEquals(Code.INVALID_ENVELOPE, codeOf(() -> Envelopes.encodeBody(spoiled, 1000)));
  }

  @Test
  void aHashThatIsNestedAHundredThousandDeepIsInvalid() {
    String deep = "[".repeat(100_000) + "]".repeat(100_000);
    String text = "{\"taskList\":\"l\",\"id\":\"i\",\"data\":{\"@type\":\"x/example.v1.FetchFile\",\"filename\":" + deep + "}}";
    assertEquals(Code.INVALID_HASH, codeOf(() -> Hashes.read(text, new TaskTypes(FetchFile.getDefaultInstance()), false)));
  }

  @Test
  void memoryIsTakenAsBytesComeAndNotAsALengthAnnouncesThem() {
    class Stream extends ByteArrayInputStream {
      int largest;

      Stream(byte[] bytes) {
        super(bytes);
      }

      @Override
      public byte[] readNBytes(int size) throws IOException {
        largest = Math.max(largest, size);
        return super.readNBytes(size);
      }
    }

    Stream stream = new Stream(new byte[] {(byte) 0x80, (byte) 0x80, 0x40, 'a'});
    assertEquals(Code.TRUNCATED, codeOf(() -> Frames.read(stream, Frames.MAX_FRAME_BYTES)));
    assertTrue(stream.largest <= 65_536);
  }

  @Test
  void whatAStreamThrowsPassesThrough() {
    InputStream broken = new InputStream() {
      @Override
      public int read() throws IOException {
        throw new IOException("reset");
      }
    };
    assertThrows(IOException.class, () -> Frames.read(broken, Frames.MAX_FRAME_BYTES));
  }

  @Test
  void aClockThatThreadsShareGivesNoVersionTwice() {
    VersionClock clock = new VersionClock();
    Set<Long> versions = ConcurrentHashMap.newKeySet();
    IntStream.range(0, 20_000).parallel().forEach(each -> assertTrue(versions.add(clock.next(0))));
  }

  @Test
  void aClockLimitOverASecondIsRefused() {
    for (Duration limit : new Duration[] {Duration.ZERO, Duration.ofMillis(1001)})
      assertEquals(Code.INVALID_ARGUMENT, codeOf(() -> new VersionClock(() -> 0, limit)));
  }
}
