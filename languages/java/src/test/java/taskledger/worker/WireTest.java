package taskledger.worker;

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
import taskledger.v1.CompositeOuterClass.Composite;
import taskledger.v1.Envelope.TaskEnvelope;

/** Every case of test/vectors/manifest.json. */
class WireTest {
  private static final JsonObject MANIFEST = readManifest();
  private static final Wire.Types TYPES = new Wire.Types(
      FetchFile.getDefaultInstance(),
      SendMail.getDefaultInstance(),
      EveryKind.getDefaultInstance(),
      Composite.getDefaultInstance());

  private static JsonObject readManifest() {
    try {
      return JsonParser.parseString(Files.readString(Path.of("../../test/vectors/manifest.json"))).getAsJsonObject();
    } catch (IOException error) {
      throw new IllegalStateException(error);
    }
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

  static Stream<Arguments> placements() {
    return cases("placements");
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("envelopes")
  void anEnvelopeIsReadAndWrittenToTheSameBytes(String name, JsonObject each) {
    TaskEnvelope envelope = Wire.decode(bytes(each, "binary"), Wire.MAX_TASK_BYTES);
    assertArrayEquals(bytes(each, "binary"), Wire.encode(envelope));
    assertEquals(valueOf(each.get("fields")), fieldsOf(envelope));
    Wire.decodeData(envelope, TYPES).ifPresent(data ->
        assertArrayEquals(bytes(each.getAsJsonObject("fields"), "data"), Wire.deterministic(data)));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("envelopes")
  void itsHashIsWrittenAndRead(String name, JsonObject each) {
    TaskEnvelope envelope = Wire.decode(bytes(each, "binary"), Wire.MAX_TASK_BYTES);
    String hash = Wire.toHash(envelope, TYPES);
    assertEquals(valueOf(each.get("hash")), valueOf(JsonParser.parseString(hash)));
    assertArrayEquals(bytes(each, "binary"), Wire.encode(Wire.fromHash(each.get("hash").toString(), TYPES, false)));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("envelopes")
  void aWorkerThatKnowsNoTypeLosesNothing(String name, JsonObject each) {
    Wire.Types nothing = new Wire.Types();
    String hash = Wire.toHash(Wire.decode(bytes(each, "binary"), Wire.MAX_TASK_BYTES), nothing);
    assertArrayEquals(bytes(each, "binary"), Wire.encode(Wire.fromHash(hash, nothing, false)));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("hashes")
  void anotherFormOfAHashIsRead(String name, JsonObject each) {
    boolean ignoreUnknownFields = each.get("ignoreUnknownFields").getAsBoolean();
    TaskEnvelope envelope = Wire.fromHash(each.get("text").getAsString(), TYPES, ignoreUnknownFields);
    assertArrayEquals(bytes(each, "binary"), Wire.encode(envelope));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("refused")
  void whatIsWrongIsRefused(String name, JsonObject each) {
    int limit = each.has("limit") ? each.get("limit").getAsInt() : Wire.MAX_TASK_BYTES;
    TaskException error = assertThrows(TaskException.class, () -> {
      if (each.has("text")) Wire.fromHash(each.get("text").getAsString(), TYPES, false);
      else Wire.decode(bytes(each, "binary"), limit);
    });
    assertEquals(each.get("code").getAsString(), error.code());
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("streams")
  void framesAreReadFromAStream(String name, JsonObject each) throws IOException {
    var stream = new ByteArrayInputStream(bytes(each, "stream"));
    List<String> frames = new ArrayList<>();
    String error = null;
    try {
      for (Optional<byte[]> frame; (frame = Wire.readFrame(stream, Wire.MAX_TASK_BYTES)).isPresent(); )
        frames.add(base64(frame.get()));
    } catch (TaskException thrown) {
      error = thrown.code();
    }
    assertEquals(valueOf(each.get("frames")), frames);
    assertEquals(valueOf(each.get("error")), error);
  }

  @Test
  void framesAreWrittenAsTheyAreRead() throws IOException {
    JsonObject three = MANIFEST.getAsJsonArray("streams").get(2).getAsJsonObject();
    var stream = new ByteArrayOutputStream();
    for (JsonElement frame : three.getAsJsonArray("frames"))
      Wire.writeFrame(stream, Base64.getDecoder().decode(frame.getAsString()));
    assertArrayEquals(bytes(three, "stream"), stream.toByteArray());
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("batches")
  void aBatchIsRead(String name, JsonObject each) {
    List<String> envelopes = new ArrayList<>();
    Runnable read = () -> Batch.decode(
        bytes(each, "binary"), Wire.MAX_TASK_BYTES, envelope -> envelopes.add(base64(Wire.encode(envelope))));
    if (each.get("code").isJsonNull()) {
      read.run();
      assertEquals(valueOf(each.get("envelopes")), envelopes);
    } else {
      TaskException error = assertThrows(TaskException.class, read::run);
      assertEquals(each.get("code").getAsString(), error.code());
    }
  }

  @ParameterizedTest
  @MethodSource("placements")
  void anIdHasItsShard(String id, JsonObject each) {
    each.getAsJsonObject("shards").asMap().forEach((shards, shard) ->
        assertEquals(shard.getAsInt(), Ledger.shardOf(id, Integer.parseInt(shards))));
  }

  @Test
  void aWorkerCompletesWhatItDidAndNothingElse() {
    List<String> completed = new ArrayList<>();
    Worker worker = new Worker(envelope -> completed.add(envelope.getId()));
    worker.does(FetchFile.getDefaultInstance(), (envelope, data) -> {
      if (((FetchFile) data).getFilename().equals("broken")) throw new IllegalStateException("it failed");
    });
    worker.run(LedgerTest.task("good", FetchFile.getDefaultInstance()));
    FetchFile broken = FetchFile.newBuilder().setFilename("broken").build();
    assertThrows(IllegalStateException.class, () -> worker.run(LedgerTest.task("bad", broken)));
    assertEquals(false, worker.run(LedgerTest.task("unknown", SendMail.getDefaultInstance())));
    assertEquals(List.of("good"), completed);
  }

  private static Map<String, Object> fieldsOf(TaskEnvelope envelope) {
    Timestamp at = envelope.getCreatedAt();
    Map<String, Object> fields = new HashMap<>();
    fields.put("taskList", envelope.getTaskList());
    fields.put("id", envelope.getId());
    fields.put("typeUrl", envelope.getData().getTypeUrl());
    fields.put("type", Wire.typeOf(envelope));
    fields.put("data", base64(envelope.getData().getValue().toByteArray()));
    fields.put("isOpaque", Wire.decodeData(envelope, TYPES).isEmpty());
    fields.put("createdAt", envelope.hasCreatedAt() ? List.of("" + at.getSeconds(), (double) at.getNanos()) : null);
    var version = Wire.versionOf(envelope);
    fields.put("version", version.isPresent() ? "" + version.getAsLong() : null);
    fields.put("attempt", (double) Integer.toUnsignedLong(envelope.getAttempt()));
    fields.put("headers", envelope.getHeadersMap());
    return fields;
  }

  /** JSON as values that can be compared, whatever the form of its numbers. */
  private static Object valueOf(JsonElement json) {
    if (json.isJsonNull()) return null;
    if (json.isJsonArray()) return json.getAsJsonArray().asList().stream().map(WireTest::valueOf).toList();
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
