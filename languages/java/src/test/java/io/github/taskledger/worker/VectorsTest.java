package io.github.taskledger.worker;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.protobuf.Timestamp;
import example.v1.EveryKindOuterClass.EveryKind;
import example.v1.FetchFileOuterClass.FetchFile;
import example.v1.SendMailOuterClass.SendMail;
import example.v1.Sizes.IndexCatalogue;
import io.github.taskledger.v1.Composite;
import io.github.taskledger.v1.TaskEnvelope;
import io.github.taskledger.worker.cassandra.CassandraStore;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Every case of test/vectors/manifest.json. */
class VectorsTest {
  static final JsonObject MANIFEST = readManifest();
  static final TaskTypes TYPES = new TaskTypes(
      FetchFile.getDefaultInstance(),
      SendMail.getDefaultInstance(),
      EveryKind.getDefaultInstance(),
      IndexCatalogue.getDefaultInstance(),
      Composite.getDefaultInstance());

  private static JsonObject readManifest() {
    try {
      return JsonParser.parseString(Files.readString(Path.of("../../test/vectors/manifest.json"))).getAsJsonObject();
    } catch (IOException error) {
      throw new IllegalStateException(error);
    }
  }

  private static int limitOf(JsonObject each) {
    return each.has("limit") ? each.get("limit").getAsInt() : Envelopes.MAX_TASK_BYTES;
  }

  private static Stream<Arguments> cases(String kind) {
    return MANIFEST.getAsJsonArray(kind).asList().stream()
        .map(JsonElement::getAsJsonObject)
        .map(each -> Arguments.of((each.has("name") ? each.get("name") : each.get("id")).getAsString(), each));
  }

  static Stream<Arguments> envelopes() {
    return cases("envelopes");
  }

  static Stream<Arguments> hashes() {
    return cases("hashes");
  }

  static Stream<Arguments> refused() {
    // This library takes a number for a text.
    return cases("refused").filter(each -> !((JsonObject) each.get()[1]).has("mayBeRead"));
  }

  static Stream<Arguments> streams() {
    return cases("streams");
  }

  static Stream<Arguments> batches() {
    return cases("batches");
  }

  static Stream<Arguments> saves() {
    return cases("saves");
  }

  static Stream<Arguments> stored() {
    return cases("stored");
  }

  static Stream<Arguments> placements() {
    return cases("placements");
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("envelopes")
  void anEnvelopeIsReadAndWrittenToTheSameBytes(String name, JsonObject each) {
    TaskEnvelope envelope = Envelopes.decode(bytes(each, "binary"), Envelopes.MAX_TASK_BYTES);
    assertArrayEquals(bytes(each, "binary"), Envelopes.encode(envelope));
    assertEquals(valueOf(each.get("fields")), fieldsOf(envelope));
    Envelopes.decodeData(envelope, TYPES).ifPresent(data ->
        assertArrayEquals(bytes(each.getAsJsonObject("fields"), "data"), Envelopes.deterministic(data)));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("envelopes")
  void itsHashIsWrittenAndRead(String name, JsonObject each) {
    TaskEnvelope envelope = Envelopes.decode(bytes(each, "binary"), Envelopes.MAX_TASK_BYTES);
    String hash = Hashes.write(envelope, TYPES);
    assertEquals(valueOf(each.get("hash")), valueOf(JsonParser.parseString(hash)));
    assertArrayEquals(bytes(each, "binary"), Envelopes.encode(Hashes.read(each.get("hash").toString(), TYPES, false)));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("envelopes")
  void aWorkerThatKnowsNoTypeLosesNothing(String name, JsonObject each) {
    TaskTypes nothing = new TaskTypes();
    String hash = Hashes.write(Envelopes.decode(bytes(each, "binary"), Envelopes.MAX_TASK_BYTES), nothing);
    assertArrayEquals(bytes(each, "binary"), Envelopes.encode(Hashes.read(hash, nothing, false)));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("hashes")
  void anotherFormOfAHashIsRead(String name, JsonObject each) {
    boolean ignoreUnknownFields = each.get("ignoreUnknownFields").getAsBoolean();
    TaskEnvelope envelope = Hashes.read(each.get("text").getAsString(), TYPES, ignoreUnknownFields, limitOf(each));
    assertArrayEquals(bytes(each, "binary"), Envelopes.encode(envelope));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("refused")
  void whatIsWrongIsRefused(String name, JsonObject each) {
    int limit = limitOf(each);
    TaskException error = assertThrows(TaskException.class, () -> {
      if (each.has("text")) Hashes.read(each.get("text").getAsString(), TYPES, false, limit);
      else Envelopes.decode(bytes(each, "binary"), limit);
    });
    assertEquals(each.get("code").getAsString(), error.code().name());
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("streams")
  void framesAreReadFromAStream(String name, JsonObject each) throws IOException {
    var stream = new ByteArrayInputStream(bytes(each, "stream"));
    List<String> frames = new ArrayList<>();
    String error = null;
    try {
      for (Optional<byte[]> frame; (frame = Frames.read(stream, Envelopes.MAX_TASK_BYTES)).isPresent(); )
        frames.add(base64(frame.get()));
    } catch (TaskException thrown) {
      error = thrown.code().name();
    }
    assertEquals(valueOf(each.get("frames")), frames);
    assertEquals(valueOf(each.get("error")), error);
  }

  @Test
  void framesAreWrittenAsTheyAreRead() throws IOException {
    JsonObject three = MANIFEST.getAsJsonArray("streams").get(2).getAsJsonObject();
    var stream = new ByteArrayOutputStream();
    for (JsonElement frame : three.getAsJsonArray("frames"))
      Frames.write(stream, Base64.getDecoder().decode(frame.getAsString()));
    assertArrayEquals(bytes(three, "stream"), stream.toByteArray());
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("batches")
  void aBatchIsRead(String name, JsonObject each) {
    List<String> envelopes = new ArrayList<>();
    Runnable read = () -> Batches.decode(
        bytes(each, "binary"), Envelopes.MAX_TASK_BYTES, envelope -> envelopes.add(base64(Envelopes.encode(envelope))));
    if (each.get("code").isJsonNull()) {
      read.run();
      assertEquals(valueOf(each.get("envelopes")), envelopes);
    } else {
      TaskException error = assertThrows(TaskException.class, read::run);
      assertEquals(each.get("code").getAsString(), error.code().name());
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("saves")
  void aSaveKeepsTheBodyOrIsRefused(String name, JsonObject each) throws IOException {
    TaskEnvelope envelope = TaskEnvelope.parseFrom(bytes(each, "binary"));
    int limit = each.get("limit").getAsInt();
    if (each.get("code").isJsonNull()) {
      assertArrayEquals(bytes(each, "body"), Envelopes.encodeBody(envelope, limit));
    } else {
      TaskException error = assertThrows(TaskException.class, () -> Envelopes.encodeBody(envelope, limit));
      assertEquals(each.get("code").getAsString(), error.code().name());
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("stored")
  void aStoredTaskIsReadOrComesAsADamagedOne(String name, JsonObject each) {
    String taskList = each.get("taskList").getAsString();
    String id = each.get("id").getAsString();
    TaskEnvelope envelope = Envelopes.stored(taskList, id, each.get("version").getAsLong(), bytes(each, "body"));
    assertArrayEquals(bytes(each, "envelope"), Envelopes.encode(envelope));
  }

  @ParameterizedTest
  @MethodSource("placements")
  void anIdHasItsShard(String id, JsonObject each) {
    each.getAsJsonObject("shards").asMap().forEach((shards, shard) ->
        assertEquals(shard.getAsInt(), CassandraStore.shardOf(id, Integer.parseInt(shards))));
  }

  private static Map<String, Object> fieldsOf(TaskEnvelope envelope) {
    Timestamp at = envelope.getCreatedAt();
    Map<String, Object> fields = new HashMap<>();
    fields.put("taskList", envelope.getTaskList());
    fields.put("id", envelope.getId());
    fields.put("typeUrl", envelope.getData().getTypeUrl());
    fields.put("type", Envelopes.typeOf(envelope));
    fields.put("data", base64(envelope.getData().getValue().toByteArray()));
    fields.put("isOpaque", Envelopes.decodeData(envelope, TYPES).isEmpty());
    fields.put("createdAt", envelope.hasCreatedAt() ? List.of("" + at.getSeconds(), (double) at.getNanos()) : null);
    var version = Envelopes.versionOf(envelope);
    fields.put("version", version.isPresent() ? "" + version.getAsLong() : null);
    fields.put("attempt", (double) Integer.toUnsignedLong(envelope.getAttempt()));
    fields.put("headers", envelope.getHeadersMap());
    return fields;
  }

  /** JSON as values that can be compared, whatever the form of its numbers. */
  private static Object valueOf(JsonElement json) {
    if (json.isJsonNull()) return null;
    if (json.isJsonArray()) return json.getAsJsonArray().asList().stream().map(VectorsTest::valueOf).toList();
    if (json.isJsonObject()) {
      Map<String, Object> members = new HashMap<>();
      json.getAsJsonObject().asMap().forEach((name, member) -> members.put(name, valueOf(member)));
      return members;
    }
    var primitive = json.getAsJsonPrimitive();
    if (primitive.isNumber()) return primitive.getAsDouble();
    return primitive.isBoolean() ? (Object) primitive.getAsBoolean() : primitive.getAsString();
  }

  private static byte[] bytes(JsonObject object, String name) {
    return Base64.getDecoder().decode(object.get(name).getAsString());
  }

  private static String base64(byte[] bytes) {
    return Base64.getEncoder().encodeToString(bytes);
  }
}
