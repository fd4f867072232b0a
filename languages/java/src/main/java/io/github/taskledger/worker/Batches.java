package io.github.taskledger.worker;

import com.google.protobuf.Any;
import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageOrBuilder;
import io.github.taskledger.v1.TaskBatch;
import io.github.taskledger.v1.TaskEnvelope;
import io.github.taskledger.v1.TaskGroup;
import java.nio.ByteBuffer;
import java.util.UUID;
import java.util.function.Consumer;

/** Many tasks in one message. */
public final class Batches {
  /** The most tasks of a batch. */
  public static final int MAX_TASKS = 10_000;

  private static final int MAX_SHARED_BYTES = 1024;
  static final int OVERHEAD_BYTES = 4096;

  private Batches() {}

  /**
   * Tells a batch from an envelope.
   *
   * @param message an encoded batch or envelope
   * @return whether it is a batch
   */
  public static boolean isBatch(byte[] message) {
    return message.length >= 2 && (message[0] & 0xff) == 0x82 && message[1] == 0x01;
  }

  /**
   * Gives the envelopes of a batch, in order. Each is made when the one before has been consumed. Those of a group share their
   * headers, and whatever else a batch says once for all of them: 50 KB may have 10,000 tasks that share a kilobyte.
   *
   * @param bytes an encoded batch
   * @param limit the most bytes that an envelope may have
   * @param consumer called for each envelope
   * @throws InvalidTaskException TOO_LARGE and INVALID_BATCH before the first envelope, and INVALID_ENVELOPE in the place of
   *     one that breaks the rules
   */
  public static void decode(byte[] bytes, int limit, Consumer<TaskEnvelope> consumer) {
    if (bytes.length > limit + OVERHEAD_BYTES)
      throw new InvalidTaskException(Code.TOO_LARGE, "the batch has " + bytes.length + " bytes");
    TaskBatch batch;
    try {
      batch = TaskBatch.parseFrom(bytes);
    } catch (InvalidProtocolBufferException error) {
      throw new InvalidTaskException(Code.INVALID_BATCH, "the bytes are no TaskBatch", error);
    }
    check(batch);
    GroupReader[] groups = new GroupReader[batch.getGroupsCount()];
    for (int i = 0; i < groups.length; i++) groups[i] = new GroupReader(batch.getGroups(i));
    for (int i = 0; i < batch.getOrderCount(); i++) consumer.accept(groups[batch.getOrder(i)].next());
    if (batch.getOrderCount() == 0) for (GroupReader group : groups) while (group.hasNext()) consumer.accept(group.next());
  }

  /** By loops and indices: a stream, or a list's iterator, takes more memory than a task, and most frames have few tasks. */
  private static void check(TaskBatch batch) {
    int count = 0;
    int claimed = 0;
    boolean isWhole = hasNoUnknownFields(batch);
    for (int i = 0; i < batch.getGroupsCount(); i++) {
      TaskGroup group = batch.getGroups(i);
      count += group.getDataCount();
      claimed += claimedSize(group);
      isWhole = isWhole && isWhole(group);
    }
    if (Math.max(claimed, batch.getOrderCount()) > MAX_TASKS)
      throw new InvalidTaskException(Code.TOO_LARGE, "the batch has more than " + MAX_TASKS + " tasks, the limit");
    if (!isWhole || !isInOrder(batch, count))
      throw new InvalidTaskException(Code.INVALID_BATCH, "its columns or its order do not fit, or it has fields that are not known here");
  }

  private static boolean hasNoUnknownFields(MessageOrBuilder message) {
    return message.getUnknownFields().asMap().isEmpty();
  }

  private static boolean isInOrder(TaskBatch batch, int count) {
    if (batch.getOrderCount() == 0 && batch.getGroupsCount() <= 1) return true;
    int[] left = new int[batch.getGroupsCount()];
    for (int i = 0; i < left.length; i++) left[i] = batch.getGroups(i).getDataCount();
    for (int i = 0; i < batch.getOrderCount(); i++) {
      int group = batch.getOrder(i);
      if (group < 0 || group >= left.length || left[group]-- == 0) return false;
    }
    return batch.getOrderCount() == count;
  }

  private static boolean isWhole(TaskGroup group) {
    int count = group.getDataCount();
    boolean hasIds = group.getIdsCount() > 0
        ? group.getIdsCount() == count && group.getUuids().isEmpty()
        : group.getUuids().size() == 16 * count;
    boolean hasTimes = fits(group.getCreatedAtCount(), count) && fits(group.getSavedAtCount(), count);
    boolean isFull = count > 0 && hasIds && hasTimes && fits(group.getRestCount(), count);
    return isFull && hasNoUnknownFields(group) && areTimes(group) && isSmall(group);
  }

  private static boolean fits(int size, int count) {
    return size == 0 || size == count;
  }

  /** How many tasks a group claims to have, by its longest column, whether or not they fit each other. */
  private static int claimedSize(TaskGroup group) {
    int times = Math.max(group.getCreatedAtCount(), group.getSavedAtCount());
    int others = Math.max(group.getIdsCount(), group.getRestCount());
    return Math.max(1, Math.max(group.getDataCount(), Math.max(times, others)));
  }

  /** Few bytes must not become many: what is shared is merged with nothing but a list and a type. */
  private static boolean isSmall(TaskGroup group) {
    TaskEnvelope shared = group.getShared();
    return shared.getSerializedSize() <= MAX_SHARED_BYTES && (group.getRestCount() == 0 || isPlain(shared));
  }

  /** Whether tasks share no more than a list and a type. */
  private static boolean isPlain(TaskEnvelope shared) {
    String list = shared.getTaskList();
    int size = list.isEmpty() ? 0 : CodedOutputStream.computeStringSize(TaskEnvelope.TASK_LIST_FIELD_NUMBER, list);
    if (shared.hasData()) size += CodedOutputStream.computeMessageSize(TaskEnvelope.DATA_FIELD_NUMBER, shared.getData());
    return size == shared.getSerializedSize();
  }

  /** Whether they stay within 64 bits. */
  private static boolean areTimes(TaskGroup group) {
    long createdAt = 0;
    long savedAt = 0;
    try {
      for (int i = 0; i < group.getCreatedAtCount(); i++) createdAt = Math.addExact(createdAt, group.getCreatedAt(i));
      for (int i = 0; i < group.getSavedAtCount(); i++) savedAt = Math.addExact(savedAt, group.getSavedAt(i));
      return true;
    } catch (ArithmeticException leaves) {
      return false;
    }
  }

  /** Makes the envelopes of a group, one after the other. */
  private static final class GroupReader {
    private final TaskGroup group;
    /** All that it builds refers to the headers and unknown fields that it has. A copy of a message would copy them. */
    private final TaskEnvelope.Builder shared;

    private final Any.Builder data;
    private int index;
    private long createdAt;
    private long savedAt;

    GroupReader(TaskGroup group) {
      TaskEnvelope whole = group.getShared();
      this.group = group;
      // A copy of no headers would take as much memory as three small tasks.
      this.shared = isPlain(whole) ? TaskEnvelope.newBuilder().setTaskList(whole.getTaskList()) : whole.toBuilder();
      this.data = whole.getData().toBuilder();
    }

    boolean hasNext() {
      return index < group.getDataCount();
    }

    TaskEnvelope next() {
      int i = index++;
      TaskEnvelope.Builder envelope = begin().setId(idAt(i)).setData(data.setValue(group.getData(i)));
      if (group.getCreatedAtCount() > 0) createdAt += group.getCreatedAt(i);
      if (group.getSavedAtCount() > 0) savedAt += group.getSavedAt(i);
      if (group.getCreatedAtCount() > 0) envelope.setCreatedAt(Envelopes.timestamp(createdAt));
      if (group.getSavedAtCount() > 0) envelope.setSavedAt(Envelopes.timestamp(savedAt));
      try {
        if (group.getRestCount() > 0) envelope.mergeFrom(group.getRest(i));
      } catch (InvalidProtocolBufferException error) {
        throw new InvalidTaskException(
            Code.INVALID_ENVELOPE, "what the columns do not have is no TaskEnvelope", error);
      }
      return Envelopes.checked(envelope.build(), Code.INVALID_ENVELOPE);
    }

    /** Where tasks have rests, they share no more than a list and a type, and what one's rest adds is not for the next. */
    private TaskEnvelope.Builder begin() {
      return group.getRestCount() > 0 ? TaskEnvelope.newBuilder().setTaskList(shared.getTaskList()) : shared;
    }

    private String idAt(int i) {
      if (group.getIdsCount() > 0) return group.getIds(i);
      ByteBuffer uuid = group.getUuids().substring(16 * i, 16 * i + 16).asReadOnlyByteBuffer();
      return new UUID(uuid.getLong(), uuid.getLong()).toString();
    }
  }
}
