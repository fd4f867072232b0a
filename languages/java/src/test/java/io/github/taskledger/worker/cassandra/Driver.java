package io.github.taskledger.worker.cassandra;

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
import io.github.taskledger.v1.TaskEnvelope;
import io.github.taskledger.worker.Claim;
import io.github.taskledger.worker.Code;
import io.github.taskledger.worker.Envelopes;
import io.github.taskledger.worker.Hashes;
import io.github.taskledger.worker.PerformOptions;
import io.github.taskledger.worker.StoreException;
import io.github.taskledger.worker.Task;
import io.github.taskledger.worker.TaskException;
import io.github.taskledger.worker.TaskTypes;
import io.github.taskledger.worker.VersionClock;
import io.github.taskledger.worker.Worker;
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
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.logging.LogManager;

/**
 * What the tests in test/languages ask of each language.
 *
 * <pre>
 * Driver serve                     answers commands, one JSON object a line
 * Driver work CASSANDRA            does the tasks that come as frames, four at once, and completes them
 * Driver list CASSANDRA LIST       names the open tasks of a list
 * Driver measure CASSANDRA LIST    lists them, and says how long that took
 * Driver fail CASSANDRA KEYSPACES  makes the errors of test/languages/failures.cassandra.test.ts
 * </pre>
 */
public final class Driver {
  private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

  private CqlSession session;
  private CassandraStore store;
  private long now;
  private long serverNow;
  private String fault = "";

  public static void main(String[] arguments) throws Exception {
    LogManager.getLogManager().reset(); // what is logged would be among what the tests complain of
    switch (arguments[0]) {
      case "serve" -> new Driver().serve();
      case "work" -> work(JsonParser.parseString(arguments[1]).getAsJsonObject());
      case "list" -> list(JsonParser.parseString(arguments[1]).getAsJsonObject(), arguments[2]);
      case "measure" -> measure(JsonParser.parseString(arguments[1]).getAsJsonObject(), arguments[2]);
      default -> fail(
          JsonParser.parseString(arguments[1]).getAsJsonObject(), JsonParser.parseString(arguments[2]).getAsJsonObject());
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
      case "complete" -> answer.add("error", errorOf(() -> store.complete(envelope(command))));
      case "find" -> store.find(text(command, "taskList"), text(command, "id"))
          .ifPresentOrElse(
              found -> answer.addProperty("envelope", base64(found)),
              () -> answer.add("envelope", JsonNull.INSTANCE));
      case "list" -> {
        JsonArray found = new JsonArray();
        store.openTasks(text(command, "taskList")).forEach(each -> found.add(base64(each)));
        answer.add("envelopes", found);
      }
      case "claim" -> answer.add("claim", store
          .claim(envelope(command), text(command, "owner"), milliseconds(command, "lease"))
          .<JsonElement>map(Driver::plain)
          .orElse(JsonNull.INSTANCE));
      case "renew" -> {
        answer.add("claim", JsonNull.INSTANCE);
        answer.add("error", errorOf(() ->
            answer.add("claim", plain(store.renew(claim(command), milliseconds(command, "lease"))))));
      }
      case "release" -> store.release(claim(command), milliseconds(command, "retryIn"));
      case "forget" -> store.forget(claim(command));
      case "performInVain" -> answer.addProperty("result", performInVain(command));
      case "cost" -> Cost.measure(command, answer);
      default -> passOn(command, answer);
    }
    return answer;
  }

  private void open(JsonObject command) {
    JsonObject cassandra = command.getAsJsonObject("store");
    if (session == null) session = connect(cassandra);
    if (!command.has("clockLimit")) {
      store = CassandraStore.open(session, text(cassandra, "keyspace"), text(cassandra, "dataCenter"));
      return;
    }
    VersionClock clock = new VersionClock(() -> now, Duration.ofNanos(command.get("clockLimit").getAsLong() * 1000));
    CassandraStore.Limits limits = new CassandraStore.Limits(Duration.ofSeconds(30), Duration.ofSeconds(10));
    CassandraSession faulty = faulty(CassandraSession.of(session));
    store = new CassandraStore(faulty, text(cassandra, "keyspace"), text(cassandra, "dataCenter"), clock, limits);
  }

  /** Loses the answers to batches, or the batches themselves, when it is told to; its clock stands where it is put. */
  private CassandraSession faulty(CassandraSession whole) {
    return new CassandraSession() {
      @Override
      public CompletionStage<?> apply(List<Statement> statements, ConsistencyLevel consistency, Duration timeout) {
        CompletionStage<?> sent =
            fault.equals("request") ? CompletableFuture.completedFuture(null) : whole.apply(statements, consistency, timeout);
        if (fault.isEmpty()) return sent;
        // As an error that is not tried again.
        StoreException lost = new StoreException(Code.TIMEOUT, "the " + fault + " was lost", true, null);
        return sent.thenCompose(done -> CompletableFuture.failedFuture(lost));
      }

      @Override
      public CompletionStage<List<Map<String, Object>>> read(
          Statement statement, ConsistencyLevel consistency, Duration timeout) {
        if (!statement.cql().contains("toUnixTimestamp")) return whole.read(statement, consistency, timeout);
        return CompletableFuture.completedFuture(List.of(Map.of("now", serverNow / 1000)));
      }

      @Override
      public CompletionStage<Map<String, Object>> transact(
          Statement statement, ConsistencyLevel consistency, Duration timeout) {
        return whole.transact(statement, consistency, timeout);
      }

      @Override
      public boolean isClosed() {
        return whole.isClosed();
      }
    };
  }

  private void save(JsonObject command, JsonObject answer) {
    List<Long> replaced = new ArrayList<>();
    for (JsonElement version : command.getAsJsonArray("replaced")) replaced.add(version.getAsLong());
    Task task = new Task(envelope(command), replaced);
    answer.add("error", errorOf(() -> store.save(task)));
    answer.addProperty("envelope", base64(task.envelope()));
    JsonArray left = new JsonArray();
    for (long version : task.replaced()) left.add(String.valueOf(version));
    answer.add("replaced", left);
  }

  /** Does a task by a handler that fails. */
  private String performInVain(JsonObject command) {
    Worker worker = new Worker(store).does(FetchFile.getDefaultInstance(), (file, context) -> {
      throw new IllegalStateException("no such host");
    });
    PerformOptions options = PerformOptions.DEFAULT
        .withBackoff(Duration.ZERO, Duration.ZERO)
        .withMaxAttempts(command.get("maxAttempts").getAsInt());
    if (command.has("deadLetterList")) options = options.withDeadLetterList(text(command, "deadLetterList"));
    return worker.perform(envelope(command), options).name().toLowerCase(Locale.ROOT).replace('_', ' ');
  }

  /** Decodes and encodes data by a schema of the command's, in binary and by way of the hash. */
  private static void passOn(JsonObject command, JsonObject answer) throws Exception {
    byte[] descriptors = Base64.getDecoder().decode(text(command, "descriptors"));
    Descriptor type = descriptorOf(descriptors, text(command, "type"));
    TaskTypes types = type == null ? new TaskTypes() : new TaskTypes(DynamicMessage.getDefaultInstance(type));
    TaskEnvelope.Builder builder = envelope(command).toBuilder();
    Envelopes.decodeData(builder.build(), types)
        .ifPresent(data -> builder.getDataBuilder().setValue(ByteString.copyFrom(Envelopes.deterministic(data))));
    String hash = Hashes.write(builder.build(), types);
    answer.addProperty("envelope", base64(builder.build()));
    answer.addProperty("hash", hash);
    answer.addProperty("read", base64(Hashes.read(hash, types, false)));
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
      boolean mayApply = error instanceof StoreException failed && failed.mayApply();
      return new Gson().toJsonTree(Map.of("code", error.code(), "outcome", mayApply ? "unknown" : "not-applied"));
    }
  }

  private static void work(JsonObject cassandra) throws Exception {
    Worker worker = new Worker(openStore(cassandra)).concurrency(4);
    AtomicInteger running = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    for (Message type : List.of(
        FetchFile.getDefaultInstance(), SendMail.getDefaultInstance(), EveryKind.getDefaultInstance()))
      worker.does(type, (data, context) -> {
        most.accumulateAndGet(running.incrementAndGet(), Math::max);
        Thread.sleep(2);
        running.decrementAndGet();
        String name = data.getDescriptorForType().getFullName();
        say(new Gson().toJsonTree(Map.of("id", context.envelope().getId(), "type", name, "atOnce", most.get())).getAsJsonObject());
      });
    worker.run(new BufferedInputStream(System.in));
  }

  private static void list(JsonObject cassandra, String taskList) {
    openStore(cassandra).openTasks(taskList).forEach(envelope -> say(new Gson()
        .toJsonTree(Map.of("id", envelope.getId(), "type", Envelopes.typeOf(envelope))).getAsJsonObject()));
  }

  private static void measure(JsonObject cassandra, String taskList) throws Exception {
    CassandraStore store = openStore(cassandra);
    // What a process does once is not counted: loading protobuf, which a worker does when it gets its handlers, and compiling.
    new Worker(store).does(FetchFile.getDefaultInstance(), (file, context) -> {});
    for (int i = 0; i < 10; i++) store.openTasks("another list").toList();
    long begin = System.nanoTime();
    double[] found = {0, 0};
    store.openTasks(taskList).forEach(envelope -> {
      if (found[0]++ == 0) found[1] = (System.nanoTime() - begin) / 1e6;
    });
    say(new Gson().toJsonTree(Map.of("count", found[0], "first", found[1], "total", (System.nanoTime() - begin) / 1e6)).getAsJsonObject());
    System.in.readAllBytes(); // until its memory has been looked at
  }

  /** Makes each fault, and tells the code and outcome that the caller sees. */
  private static void fail(JsonObject cassandra, JsonObject keyspaces) throws Exception {
    CqlSession session = connect(cassandra);
    String dataCenter = text(cassandra, "dataCenter");
    long[] offset = {0};
    VersionClock clock = new VersionClock(() -> System.currentTimeMillis() * 1000 + offset[0], VersionClock.MAX_LIMIT);
    var limits = new CassandraStore.Limits(Duration.ofSeconds(2), Duration.ofSeconds(1));
    CassandraStore store = CassandraStore.open(session, text(cassandra, "keyspace"), dataCenter, clock, limits);
    Task saved = new Task(Envelopes.create("faults", FetchFile.getDefaultInstance()));
    store.save(saved);
    JsonObject found = new JsonObject();
    Runnable save = () -> store.save(new Task(Envelopes.create("faults", FetchFile.getDefaultInstance())));
    for (String name : keyspaces.keySet())
      found.add(name, errorOf(() -> CassandraStore.open(session, text(keyspaces, name), dataCenter)));
    offset[0] = 5_000_000;
    found.add("clock ahead", errorOf(save));
    found.add("complete with the clock ahead", errorOf(() -> store.complete(saved.envelope())));
    offset[0] = -5_000_000;
    found.add("clock behind", errorOf(save));
    offset[0] = 0;
    Thread.currentThread().interrupt();
    found.add("cancelled save", errorOf(save));
    Thread.interrupted();
    JsonArray bad = new JsonArray();
    store.openTasks("bad rows").forEach(each ->
        bad.add(new Gson().toJsonTree(List.of(each.getId(), Envelopes.typeOf(each)))));
    found.add("bad row", bad);
    sayFound(found);
    new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8)).readLine(); // the node is killed meanwhile
    JsonObject later = new JsonObject();
    later.add("save without a node", errorOf(save));
    later.add("list without a node", errorOf(() -> store.openTasks("faults").toList()));
    session.close();
    later.add("closed save", errorOf(save));
    later.add("closed list", errorOf(() -> store.openTasks("faults").toList()));
    sayFound(later);
  }

  private static void sayFound(JsonObject found) {
    JsonObject answer = new JsonObject();
    answer.add("found", found);
    say(answer);
  }

  private static CassandraStore openStore(JsonObject cassandra) {
    return CassandraStore.open(connect(cassandra), text(cassandra, "keyspace"), text(cassandra, "dataCenter"));
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

  private static Duration milliseconds(JsonObject command, String name) {
    return Duration.ofMillis(command.get(name).getAsLong());
  }

  private static JsonObject plain(Claim claim) {
    JsonObject plain = new JsonObject();
    plain.addProperty("task_list", claim.taskList());
    plain.addProperty("id", claim.id());
    plain.addProperty("saved_at", String.valueOf(claim.savedAt()));
    plain.addProperty("owner", claim.owner());
    plain.addProperty("token", String.valueOf(claim.token()));
    plain.addProperty("attempt", claim.attempt());
    plain.addProperty("until", claim.until());
    return plain;
  }

  private static Claim claim(JsonObject command) {
    JsonObject plain = command.getAsJsonObject("claim");
    return new Claim(
        text(plain, "task_list"), text(plain, "id"), plain.get("saved_at").getAsLong(), text(plain, "owner"),
        plain.get("token").getAsLong(), plain.get("attempt").getAsInt(), plain.get("until").getAsLong());
  }

  private static TaskEnvelope envelope(JsonObject command) {
    return Envelopes.decode(Base64.getDecoder().decode(text(command, "envelope")), Envelopes.MAX_TASK_BYTES);
  }

  private static String base64(TaskEnvelope envelope) {
    return Base64.getEncoder().encodeToString(Envelopes.encode(envelope));
  }

  static String text(JsonObject object, String name) {
    return object.has(name) ? object.get(name).getAsString() : "";
  }

  private static synchronized void say(JsonObject answer) {
    OUT.println(answer);
  }
}
