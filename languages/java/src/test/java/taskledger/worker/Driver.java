package taskledger.worker;

import com.datastax.oss.driver.api.core.ConsistencyLevel;
import com.datastax.oss.driver.api.core.CqlSession;
import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.protobuf.ByteString;
import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.DescriptorProtos.FileDescriptorSet;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.DynamicMessage;
import com.google.protobuf.Message;
import example.v1.EveryKindOuterClass.EveryKind;
import example.v1.FetchFileOuterClass.FetchFile;
import example.v1.SendMailOuterClass.SendMail;
import java.io.BufferedInputStream;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import taskledger.v1.Envelope.TaskEnvelope;

/**
 * What the tests in test/languages ask of each language.
 *
 * <pre>
 * Driver serve                 answers commands, one JSON object a line
 * Driver work CASSANDRA        does the tasks that come as frames, and completes them
 * Driver list CASSANDRA LIST   names the open tasks of a list
 * </pre>
 */
public final class Driver {
  private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

  private CqlSession session;
  private Ledger ledger;
  private long now;
  private long serverNow;
  private String fault = "";

  public static void main(String[] arguments) throws Exception {
    switch (arguments[0]) {
      case "serve" -> new Driver().serve();
      case "work" -> work(JsonParser.parseString(arguments[1]).getAsJsonObject());
      default -> list(JsonParser.parseString(arguments[1]).getAsJsonObject(), arguments[2]);
    }
    System.exit(0); // the driver's threads go on
  }

  private void serve() throws Exception {
    var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line; (line = lines.readLine()) != null; )
      say(answer(JsonParser.parseString(line).getAsJsonObject()));
  }

  /** The ledger's clock stands where each command puts it. */
  private JsonObject answer(JsonObject command) throws Exception {
    now = command.has("now") ? command.get("now").getAsLong() : 0;
    serverNow = command.has("serverNow") ? command.get("serverNow").getAsLong() : 0;
    fault = text(command, "fault");
    JsonObject answer = new JsonObject();
    switch (text(command, "op")) {
      case "open" -> open(command);
      case "save" -> save(command, answer);
      case "complete" -> answer.add("error", errorOf(() -> ledger.complete(envelope(command))));
      case "find" -> ledger.find(text(command, "taskList"), text(command, "id"))
          .ifPresentOrElse(
              found -> answer.addProperty("envelope", base64(found)),
              () -> answer.add("envelope", JsonNull.INSTANCE));
      case "list" -> {
        JsonArray found = new JsonArray();
        ledger.openTasks(text(command, "taskList")).forEach(each -> found.add(base64(each)));
        answer.add("envelopes", found);
      }
      default -> passOn(command, answer);
    }
    return answer;
  }

  private void open(JsonObject command) {
    JsonObject cassandra = command.getAsJsonObject("cassandra");
    if (session == null) session = connect(cassandra);
    VersionClock clock = new VersionClock(() -> now, command.get("clockLimit").getAsLong());
    Ledger.Limits limits = new Ledger.Limits(Duration.ofSeconds(30), Duration.ofSeconds(10));
    CassandraSession faulty = faulty(CassandraSession.of(session));
    ledger = new Ledger(faulty, text(cassandra, "keyspace"), text(cassandra, "dataCenter"), clock, limits);
  }

  /** Loses the answers to batches, or the batches themselves, when it is told to; its clock stands where it is put. */
  private CassandraSession faulty(CassandraSession whole) {
    return new CassandraSession() {
      @Override
      public void apply(List<Statement> statements, ConsistencyLevel consistency, Duration timeout) {
        if (!fault.equals("request")) whole.apply(statements, consistency, timeout);
        // As an error that is not tried again.
        if (!fault.isEmpty()) throw new TaskException("TIMEOUT", "the " + fault + " was lost", true, null);
      }

      @Override
      public List<Map<String, Object>> read(Statement statement, ConsistencyLevel consistency, Duration timeout) {
        if (statement.cql().contains("toUnixTimestamp")) return List.of(Map.of("now", serverNow / 1000));
        return whole.read(statement, consistency, timeout);
      }
    };
  }

  private void save(JsonObject command, JsonObject answer) {
    List<Long> replaced = new ArrayList<>();
    for (JsonElement version : command.getAsJsonArray("replaced")) replaced.add(version.getAsLong());
    Ledger.Task task = new Ledger.Task(envelope(command), replaced);
    answer.add("error", errorOf(() -> ledger.save(task)));
    answer.addProperty("envelope", base64(task.envelope()));
    JsonArray left = new JsonArray();
    for (long version : task.replaced()) left.add(String.valueOf(version));
    answer.add("replaced", left);
  }

  /** Decodes and encodes data by a schema of the command's, in binary and by way of the hash. */
  private static void passOn(JsonObject command, JsonObject answer) throws Exception {
    byte[] descriptors = Base64.getDecoder().decode(text(command, "descriptors"));
    Descriptor type = descriptorOf(descriptors, text(command, "type"));
    Wire.Types types = type == null ? new Wire.Types() : new Wire.Types(DynamicMessage.getDefaultInstance(type));
    TaskEnvelope.Builder builder = envelope(command).toBuilder();
    Wire.decodeData(builder.build(), types)
        .ifPresent(data -> builder.getDataBuilder().setValue(ByteString.copyFrom(Wire.deterministic(data))));
    String hash = Wire.toHash(builder.build(), types);
    answer.addProperty("envelope", base64(builder.build()));
    answer.addProperty("hash", hash);
    answer.addProperty("read", base64(Wire.fromHash(hash, types, false)));
  }

  /** The message of that name; null where the schema has none. */
  private static Descriptor descriptorOf(byte[] descriptors, String name) throws Exception {
    Map<String, FileDescriptor> files = new HashMap<>();
    Descriptor found = null;
    for (FileDescriptorProto file : FileDescriptorSet.parseFrom(descriptors).getFileList()) {
      FileDescriptor[] imported = file.getDependencyList().stream().map(files::get).toArray(FileDescriptor[]::new);
      FileDescriptor built = FileDescriptor.buildFrom(file, imported);
      files.put(file.getName(), built);
      for (Descriptor each : built.getMessageTypes()) if (each.getFullName().equals(name)) found = each;
    }
    return found;
  }

  private static JsonElement errorOf(Runnable act) {
    try {
      act.run();
      return JsonNull.INSTANCE;
    } catch (TaskException error) {
      return new Gson().toJsonTree(Map.of("code", error.code(), "outcome", error.mayApply() ? "unknown" : "not-applied"));
    }
  }

  private static void work(JsonObject cassandra) throws Exception {
    Worker worker = new Worker(openLedger(cassandra)::complete);
    for (Message type : List.of(
        FetchFile.getDefaultInstance(), SendMail.getDefaultInstance(), EveryKind.getDefaultInstance()))
      worker.does(type, (envelope, data) -> sayTask(envelope, data.getDescriptorForType().getFullName()));
    worker.run(new BufferedInputStream(System.in));
  }

  private static void list(JsonObject cassandra, String taskList) {
    openLedger(cassandra).openTasks(taskList).forEach(envelope -> sayTask(envelope, Wire.typeOf(envelope)));
  }

  private static Ledger openLedger(JsonObject cassandra) {
    CassandraSession session = CassandraSession.of(connect(cassandra));
    return new Ledger(session, text(cassandra, "keyspace"), text(cassandra, "dataCenter"));
  }

  private static CqlSession connect(JsonObject cassandra) {
    var builder = CqlSession.builder().withLocalDatacenter(text(cassandra, "dataCenter"));
    for (JsonElement host : cassandra.getAsJsonArray("hosts"))
      builder.addContactPoint(new InetSocketAddress(host.getAsString(), cassandra.get("port").getAsInt()));
    JsonObject credentials = cassandra.getAsJsonObject("credentials");
    if (credentials != null)
      builder.withAuthCredentials(text(credentials, "username"), text(credentials, "password"));
    return builder.build();
  }

  private static TaskEnvelope envelope(JsonObject command) {
    return Wire.decode(Base64.getDecoder().decode(text(command, "envelope")), Wire.MAX_TASK_BYTES);
  }

  private static String base64(TaskEnvelope envelope) {
    return Base64.getEncoder().encodeToString(Wire.encode(envelope));
  }

  private static String text(JsonObject object, String name) {
    return object.has(name) ? object.get(name).getAsString() : "";
  }

  private static void sayTask(TaskEnvelope envelope, String type) {
    say(new Gson().toJsonTree(Map.of("id", envelope.getId(), "type", type)).getAsJsonObject());
  }

  private static void say(JsonObject answer) {
    OUT.println(answer);
  }
}
