package io.github.taskledger.worker;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.Descriptors.DescriptorValidationException;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.Duration;
import com.google.protobuf.DynamicMessage;
import com.google.protobuf.FieldMask;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.Struct;
import com.google.protobuf.TextFormat;
import com.google.protobuf.Timestamp;
import com.google.protobuf.Value;
import com.google.protobuf.util.JsonFormat;
import com.google.protobuf.util.JsonFormat.TypeRegistry;
import example.v1.EveryKindOuterClass.EveryKind;
import example.v1.Sizes.IndexCatalogue;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is made of the bytes of JSON is what comes of decoding the whole message, and encoding that. */
class MapOrderTest {
  private static final int ROUNDS = 2000;
  private static final List<Message> TYPES = List.of(
      EveryKind.getDefaultInstance(), IndexCatalogue.getDefaultInstance(), Struct.getDefaultInstance());
  private static final TypeRegistry REGISTRY =
      TypeRegistry.newBuilder().add(TYPES.stream().map(Message::getDescriptorForType).toList()).build();

  /** What protobuf's parser of JSON writes of a message. */
  private static ByteString bytesOf(Message type, String members) throws InvalidProtocolBufferException {
    String separator = members.isEmpty() ? "" : ",";
    String text = "{\"@type\":\"x/" + type.getDescriptorForType().getFullName() + "\"" + separator + members + "}";
    TypeRegistry registry = TypeRegistry.newBuilder().add(type.getDescriptorForType()).build();
    Any.Builder any = Any.newBuilder();
    JsonFormat.parser().usingTypeRegistry(registry).merge(text, any);
    return any.getValue();
  }

  private static byte[] throughTheMessage(Message type, ByteString bytes) {
    return Envelopes.parse(type, bytes).map(Envelopes::deterministic).orElseGet(bytes::toByteArray);
  }

  /** Returns whether anything had to be changed. */
  private static boolean check(Message type, String members) throws InvalidProtocolBufferException {
    ByteString bytes = bytesOf(type, members);
    ByteString ordered = MapOrder.of(type, bytes);
    assertArrayEquals(throughTheMessage(type, bytes), ordered.toByteArray(), members);
    return !ordered.equals(bytes);
  }

  /** Sets some fields at random; of messages there are few that are deep. */
  private static Message fill(Message.Builder message, Random random, int depth) {
    List<FieldDescriptor> fields = message.getDescriptorForType().getFields();
    for (FieldDescriptor field : fields) {
      boolean isMessage = field.getJavaType() == FieldDescriptor.JavaType.MESSAGE;
      if (random.nextInt(fields.size() + 2) > 5 || (isMessage && depth == 0)) continue;
      if (!field.isRepeated()) message.setField(field, value(message, field, random, depth));
      else for (int i = random.nextInt(4); i > 0; i--) message.addRepeatedField(field, value(message, field, random, depth));
    }
    return message.build();
  }

  private static Object value(Message.Builder parent, FieldDescriptor field, Random random, int depth) {
    int small = random.nextInt(3) - 1;
    return switch (field.getJavaType()) {
      case INT -> small;
      case LONG -> (long) small;
      case FLOAT -> small / 2f;
      case DOUBLE -> -small / 2d; // one is a negative zero
      case BOOLEAN -> small == 0;
      case STRING -> small == 0 ? "" : "é".repeat(random.nextInt(100));
      case BYTE_STRING -> ByteString.copyFrom(new byte[small == 0 ? 0 : 100]);
      case ENUM -> field.getEnumType().getValues().get(random.nextInt(field.getEnumType().getValues().size()));
      case MESSAGE -> message(parent.newBuilderForField(field), random, depth - 1);
    };
  }

  /** Some must not hold whatever fits their fields. */
  private static Message message(Message.Builder type, Random random, int depth) {
    return switch (type.getDescriptorForType().getFullName()) {
      case "google.protobuf.Any" -> Any.pack(fill(EveryKind.newBuilder(), random, 0));
      case "google.protobuf.Duration" -> Duration.newBuilder().setSeconds(random.nextInt(2)).build();
      case "google.protobuf.FieldMask" -> FieldMask.newBuilder().addPaths("a").build();
      case "google.protobuf.Timestamp" -> Timestamp.newBuilder().setNanos(random.nextInt(2)).build();
      case "google.protobuf.Value" -> random.nextInt(3) > 0 || depth <= 0
          ? Value.newBuilder().setNumberValue(random.nextInt(2)).build()
          : Value.newBuilder().setStructValue((Struct) fill(Struct.newBuilder(), random, depth)).build();
      default -> fill(type, random, Math.max(0, depth));
    };
  }

  @Test
  void messagesAtRandomAreAsTheirOwnClassWritesThem() throws InvalidProtocolBufferException {
    Random random = new Random(1);
    JsonFormat.Printer printer = JsonFormat.printer().usingTypeRegistry(REGISTRY).omittingInsignificantWhitespace();
    int changed = 0;
    for (int i = 0; i < ROUNDS; i++) {
      Message type = TYPES.get(i % TYPES.size());
      String text = printer.print(Any.pack(fill(type.newBuilderForType(), random, 3)));
      String members = text.contains(",") ? text.substring(text.indexOf(',') + 1, text.length() - 1) : "";
      if (check(type, members)) changed++;
    }
    assertTrue(changed > ROUNDS / 4 && changed < ROUNDS * 3 / 4, changed + " had to be changed");
  }

  private static String quoted(String members) {
    return members.replace('\'', '"');
  }

  @ParameterizedTest
  @ValueSource(strings = {
    "'textByText':{'b':'','a':''}", "'textByText':{'a':'','':''}", "'blobByInt32':{'10':'','9':'','-1':''}",
    "'blobByInt32':{'1':'','01':'AA==','1.0':'AAA='}", "'int64ByUint64':{'18446744073709551615':1,'1':0,'0':1}",
    "'colorByBool':{'true':'COLOR_RED','false':0}", "'colorByBool':{'true':99,'false':'COLOR_UNSPECIFIED'}",
    "'textByText':{'\uffff':'','\ud83d\ude00':'','é':'','z':''}", "'childByText':{'b':{'textByText':{'b':'','a':''}},'a':{}}",
    "'children':[{},{'child':{'textByText':{'b':'','a':''}}},{'texts':['a'],'blobByInt32':{'0':'','00':''}}]",
    "'chosenChild':{'struct':{'b':[{'b':null,'a':{}}],'a':-0.0}}"
  })
  void mapsAreInOrder(String members) throws InvalidProtocolBufferException {
    assertTrue(check(EveryKind.getDefaultInstance(), quoted(members)));
  }

  @ParameterizedTest
  @ValueSource(strings = {
    "", "'double':-0.0,'float':'NaN'", "'optionalInt64':0,'optionalText':'','optionalColor':0", "'chosenInt64':0", "'chosenChild':{}",
    "'color':99,'colors':[99,0,'COLOR_BLUE']", "'int32s':[0],'texts':[''],'children':[{},{}]", "'value':null,'wrappedText':''",
    "'listValue':[[],null,0]", "'any':{'@type':'x/example.v1.EveryKind','textByText':{'b':'','a':''}}",
    "'textByText':{}", "'textByText':{'':''}",
    "'textByText':{'a':'','b':''},'empty':{},'mask':'a,b','timestamp':'1970-01-01T00:00:00Z','duration':'0s'"
  })
  void whatHoldsNoMapIsLeftAsItIs(String members) throws InvalidProtocolBufferException {
    assertFalse(check(EveryKind.getDefaultInstance(), quoted(members)));
  }

  /** Ends the objects and lists that a text begins. */
  private static String ended(String text) {
    StringBuilder ends = new StringBuilder();
    for (char each : text.toCharArray()) {
      if (each == '{') ends.insert(0, '}');
      if (each == '[') ends.insert(0, ']');
      if (each == '}' || each == ']') ends.deleteCharAt(0);
    }
    return quoted(text) + ends;
  }

  /** What is first, what is repeated, what is in the last of it, and how often it is too often. */
  @ParameterizedTest
  @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
    "``|'childByText':{'a':{|'textByText':{'b':'','a':''|50",
    "'child':{'child':{'child':{'child':{'child':{'child':{|'childByText':{'a':{|'textByText':{'b':'','a':''|47",
    "'textByText':{'b':'','a':''},'listValue':|[|``|51"
  })
  void whatIsTooDeepForItsClassIsLeftAsItIs(String first, String repeated, String last, int tooOften)
      throws InvalidProtocolBufferException {
    for (int depth = tooOften - 3; depth < tooOften + 3; depth++) {
      boolean isChanged = check(EveryKind.getDefaultInstance(), ended(first + repeated.repeat(depth) + last));
      assertEquals(depth < tooOften, isChanged, "at " + depth);
    }
  }

  @Test
  void aMessageIsAsLongAsWhatIsInIt() throws InvalidProtocolBufferException {
    for (int size = 100; size < 130; size++) {
      String begin = "'child':{'text':'" + "a".repeat(size) + "','children':[{'blobByInt32':{'1':'','01':''}}],";
      assertTrue(check(EveryKind.getDefaultInstance(), ended(begin.repeat(3) + "'blobByInt32':{'2':'','02':''}")));
    }
  }

  /** Of messages that are known by their descriptors alone. */
  private static Message dynamic(String name) {
    String syntax = "syntax: '%s' package: 't' name: '%s' ";
    String number = "enum_type { name: 'Number' options { allow_alias: true } "
        + "value { name: 'NONE' number: 0 } value { name: 'ZERO' number: 0 } value { name: 'ONE' number: 1 } } ";
    String field = "field { name: '%s' number: %d label: LABEL_%s type: TYPE_%s %s } ";
    String ofNumber = "type_name: '.t.Number'";
    String open = syntax.formatted("proto3", "open.proto") + number + "message_type { name: 'Open' "
        + field.formatted("number", 1, "OPTIONAL", "ENUM", ofNumber)
        + field.formatted("numbers", 2, "REPEATED", "ENUM", ofNumber)
        + field.formatted("chosen", 3, "OPTIONAL", "ENUM", ofNumber + " oneof_index: 0")
        + field.formatted("child", 4, "OPTIONAL", "MESSAGE", "type_name: '.t.Open'")
        + "oneof_decl { name: 'choice' } }";
    String closed = syntax.formatted("proto2", "closed.proto") + "dependency: 'open.proto' message_type { name: 'Closed' "
        + field.formatted("number", 1, "OPTIONAL", "ENUM", ofNumber)
        + field.formatted("text", 2, "OPTIONAL", "STRING", "")
        + field.formatted("group", 3, "OPTIONAL", "GROUP", "type_name: '.t.Closed.Group'")
        + "nested_type { name: 'Group' " + field.formatted("open", 1, "OPTIONAL", "MESSAGE", "type_name: '.t.Open'") + "} }";
    try {
      FileDescriptor first = FileDescriptor.buildFrom(TextFormat.parse(open, FileDescriptorProto.class), new FileDescriptor[0]);
      FileDescriptor second = FileDescriptor.buildFrom(TextFormat.parse(closed, FileDescriptorProto.class), new FileDescriptor[] {first});
      FileDescriptor file = name.equals("Open") ? first : second;
      return DynamicMessage.getDefaultInstance(file.findMessageTypeByName(name));
    } catch (TextFormat.ParseException | DescriptorValidationException mistake) {
      throw new IllegalStateException(mistake);
    }
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
    "Open|'number':'ZERO'", "Open|'child':{'number':'ZERO','child':{'number':'ZERO','numbers':['ZERO']},'numbers':['ONE']}",
    "Closed|'text':'a','group':{'open':{'number':'ZERO'}}", "Closed|'number':99,'text':'a'",
    "Closed|'group':{'open':{'number':'ZERO'}},'number':99"
  })
  void enumsAreAsTheirOwnMessageWritesThem(String type, String members) throws InvalidProtocolBufferException {
    assertTrue(check(dynamic(type), quoted(members)));
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
    "Open|'number':'NONE'", "Open|'number':'ONE','numbers':['ZERO','NONE',99]", "Open|'chosen':'ZERO'", "Open|'number':99",
    "Closed|'number':'ZERO','text':'a'", "Closed|'group':{'open':{}},'text':'a'"
  })
  void enumsThatAreAsTheirOwnMessageWritesThemAreLeft(String type, String members) throws InvalidProtocolBufferException {
    assertFalse(check(dynamic(type), quoted(members)));
  }
}
