package io.github.taskledger.worker;

import com.google.protobuf.CodedOutputStream;
import io.github.taskledger.v1.TaskEnvelope;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.Optional;
import java.util.function.Consumer;

/** Frames: messages in a stream, each behind its length. */
public final class Frames {
  /** The largest frame: a batch has room for the largest envelope. */
  public static final int MAX_FRAME_BYTES = Envelopes.MAX_TASK_BYTES + Batches.OVERHEAD_BYTES;

  /** Memory is taken as bytes come, not as a length announces them. */
  private static final int AT_ONCE = 64 * 1024;

  private Frames() {}

  /**
   * The next frame of a stream.
   *
   * @param stream where it is read from; unbuffered streams are slow
   * @param limit the most bytes that a frame may have
   * @return empty at the end of the stream
   * @throws InvalidTaskException TOO_LARGE before a frame over the limit, TRUNCATED if the stream ends inside of one
   * @throws IOException what the stream throws
   */
  public static Optional<byte[]> read(InputStream stream, int limit) throws IOException {
    long size = readLength(stream);
    if (size < 0) return Optional.empty();
    if (size > limit)
      throw new InvalidTaskException(Code.TOO_LARGE, "a frame has " + size + " bytes; the limit is " + limit);
    byte[] first = stream.readNBytes((int) Math.min(size, AT_ONCE));
    return Optional.of(first.length == size ? first : readOn(stream, first, size));
  }

  private static byte[] readOn(InputStream stream, byte[] first, long size) throws IOException {
    ByteArrayOutputStream frame = new ByteArrayOutputStream();
    for (byte[] some = first; ; some = stream.readNBytes((int) Math.min(size - frame.size(), AT_ONCE))) {
      if (some.length == 0) throw new InvalidTaskException(Code.TRUNCATED, "the stream ends inside of a frame");
      frame.write(some);
      if (frame.size() == size) return frame.toByteArray();
    }
  }

  /**
   * Writes a message behind its length.
   *
   * @param stream where it is written to
   * @param message an encoded envelope or batch
   * @throws IOException what the stream throws
   */
  public static void write(OutputStream stream, byte[] message) throws IOException {
    CodedOutputStream output = CodedOutputStream.newInstance(stream);
    output.writeByteArrayNoTag(message);
    output.flush();
  }

  /**
   * The tasks of a frame, which is an envelope or a batch.
   *
   * @param frame a frame
   * @param consumer called for each task
   * @throws InvalidTaskException what {@link Envelopes#decode} and {@link Batches#decode} throw
   */
  public static void tasks(byte[] frame, Consumer<TaskEnvelope> consumer) {
    if (Batches.isBatch(frame)) Batches.decode(frame, Envelopes.MAX_TASK_BYTES, consumer);
    else consumer.accept(Envelopes.decode(frame, Envelopes.MAX_TASK_BYTES));
  }

  /** -1 at the end of the stream. */
  private static long readLength(InputStream stream) throws IOException {
    long length = 0;
    for (int shift = 0; shift < 35; shift += 7) {
      int next = stream.read();
      if (next < 0 && shift == 0) return -1;
      if (next < 0) throw new InvalidTaskException(Code.TRUNCATED, "the stream ends inside of a length");
      length |= (long) (next & 0x7f) << shift;
      if (next < 0x80) return length;
    }
    throw new InvalidTaskException(Code.INVALID_BATCH, "a length has more than five bytes");
  }
}
