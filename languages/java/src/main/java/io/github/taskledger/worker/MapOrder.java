package io.github.taskledger.worker;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedInputStream;
import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.ExtensionRegistryLite;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MapEntry;
import com.google.protobuf.Message;
import com.google.protobuf.WireFormat;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Makes what {@link Envelopes#deterministic} would write of a message, from the bytes that protobuf's parser of JSON wrote of it.
 * Only where the two differ is anything decoded, which is maps above all: a message may take a hundred times as much memory as
 * its bytes.
 */
final class MapOrder {
  /** How deep messages may be in each other, for protobuf. */
  private static final int MAX_DEPTH = 100;

  /** Bytes that come in the place of others. */
  private record Change(int start, int end, byte[] bytes) {}

  private final ByteString data;
  private final CodedInputStream input;
  /** In the order of their places. */
  private final List<Change> changes = new ArrayList<>();

  private final Map<FieldDescriptor, Message> types = new HashMap<>();
  private boolean hasOddEnum;

  /** The tag that was read last, and where it is. */
  private int tag;

  private int start;

  private MapOrder(ByteString data) {
    this.data = data;
    this.input = data.newCodedInput();
  }

  /** What can't be decoded comes back as it is. */
  static ByteString of(Message type, ByteString data) {
    MapOrder order = new MapOrder(data);
    try {
      int growth = order.readMessage(type, 0, 0);
      if (order.hasOddEnum) return ByteString.copyFrom(Envelopes.deterministic(type.getParserForType().parseFrom(data)));
      return order.changes.isEmpty() ? data : order.changed(data.size() + growth);
    } catch (IOException notOfThisType) {
      return data;
    }
  }

  /** Reads up to the end of a message, which is a tag, or 0; returns by how many bytes the changes make it longer. */
  private int readMessage(Message type, int end, int depth) throws IOException {
    if (depth > MAX_DEPTH) throw new InvalidProtocolBufferException("messages are more than " + MAX_DEPTH + " deep");
    int growth = 0;
    next();
    while (tag != end) {
      FieldDescriptor field = type.getDescriptorForType().findFieldByNumber(WireFormat.getTagFieldNumber(tag));
      growth += readField(type, field, depth);
    }
    return growth;
  }

  private int readField(Message type, FieldDescriptor field, int depth) throws IOException {
    if (field.getJavaType() == FieldDescriptor.JavaType.ENUM) return readEnum(field);
    if (field.getJavaType() == FieldDescriptor.JavaType.MESSAGE) {
      Message nested = typeOf(type, field);
      // A map of a dynamic message has no order.
      return nested instanceof MapEntry ? readMap(field, (MapEntry<?, ?>) nested, depth) : readNested(nested, depth + 1);
    }
    input.skipField(tag);
    next();
    return 0;
  }

  private void next() throws IOException {
    start = input.getTotalBytesRead();
    tag = input.readTag();
  }

  /** 0 may have several names, of which the parser of JSON takes only the first for no value. */
  private int readEnum(FieldDescriptor field) throws IOException {
    int from = start;
    hasOddEnum |= isOdd(field);
    boolean isRead = field.hasPresence() || field.isRepeated();
    if (isRead) input.skipField(tag);
    boolean isNone = !isRead && input.readEnum() == 0;
    next();
    return isNone ? change(from, new byte[0]) : 0;
  }

  /** In some messages an open enum counts as closed: values that it does not name are unknown fields, behind all others. */
  private static boolean isOdd(FieldDescriptor field) {
    return field.legacyEnumFieldTreatedAsClosed() && !field.getEnumType().isClosed();
  }

  private Message typeOf(Message parent, FieldDescriptor field) {
    Message type = types.get(field);
    if (type != null) return type;
    type = parent.newBuilderForType().newBuilderForField(field).getDefaultInstanceForType();
    types.put(field, type);
    return type;
  }

  /** Of entries whose keys are equal, such as 1 and 01 in JSON, the last counts. */
  private int readMap(FieldDescriptor field, MapEntry<?, ?> type, int depth) throws IOException {
    int from = start;
    int first = tag;
    FieldDescriptor value = field.getMessageType().findFieldByNumber(2);
    hasOddEnum |= value.getJavaType() == FieldDescriptor.JavaType.ENUM && isOdd(value);
    Map<Object, MapEntry<?, ?>> entries = new TreeMap<>();
    input.setRecursionLimit(MAX_DEPTH - depth); // it does not know how deep this message is
    while (tag == first) {
      MapEntry<?, ?> entry = input.readMessage(type.getParserForType(), ExtensionRegistryLite.getEmptyRegistry());
      entries.put(entry.getKey(), entry);
      next();
    }
    return change(from, write(field.getNumber(), entries.values()));
  }

  private static byte[] write(int number, Collection<MapEntry<?, ?>> entries) throws IOException {
    int size = 0;
    for (Message entry : entries) size += CodedOutputStream.computeMessageSize(number, entry);
    byte[] bytes = new byte[size];
    CodedOutputStream output = CodedOutputStream.newInstance(bytes);
    output.useDeterministicSerialization();
    for (Message entry : entries) output.writeMessage(number, entry);
    return bytes;
  }

  private int change(int from, byte[] bytes) {
    changes.add(new Change(from, start, bytes));
    return bytes.length - (start - from);
  }

  private int readNested(Message type, int depth) throws IOException {
    int growth = WireFormat.getTagWireType(tag) == WireFormat.WIRETYPE_START_GROUP
        ? readMessage(type, tag + 1, depth) // the tag of its end is the next number
        : readSized(type, depth);
    next();
    return growth;
  }

  private int readSized(Message type, int depth) throws IOException {
    int from = input.getTotalBytesRead();
    int size = input.readUInt32();
    int to = input.getTotalBytesRead();
    int limit = input.pushLimit(size);
    int index = changes.size();
    int growth = readMessage(type, 0, depth);
    input.popLimit(limit);
    if (growth == 0) return 0;
    byte[] length = new byte[CodedOutputStream.computeUInt32SizeNoTag(size + growth)];
    CodedOutputStream.newInstance(length).writeUInt32NoTag(size + growth);
    changes.add(index, new Change(from, to, length));
    return growth + length.length - (to - from);
  }

  private ByteString changed(int size) throws IOException {
    byte[] bytes = new byte[size];
    CodedOutputStream output = CodedOutputStream.newInstance(bytes);
    int from = 0;
    for (Change change : changes) {
      output.writeRawBytes(data.substring(from, change.start));
      output.writeRawBytes(change.bytes);
      from = change.end;
    }
    output.writeRawBytes(data.substring(from));
    output.checkNoSpaceLeft();
    return ByteString.copyFrom(bytes);
  }
}
