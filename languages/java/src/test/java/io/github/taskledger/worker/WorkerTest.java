package io.github.taskledger.worker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import com.google.protobuf.Message;
import example.v1.FetchFileOuterClass.FetchFile;
import example.v1.SendMailOuterClass.SendMail;
import io.github.taskledger.v1.TaskEnvelope;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

// A run that waits for a handler which is over can't be interrupted.
@Timeout(value = 20, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class WorkerTest {
  private final List<String> completed = new CopyOnWriteArrayList<>();

  private final List<String> logged = new CopyOnWriteArrayList<>();
  private final Logger logger = Logger.getLogger(Worker.class.getName());
  private final Handler notes = new Handler() {
    @Override
    public void publish(LogRecord entry) {
      String text = entry.getLevel() + " " + entry.getMessage();
      logged.add(entry.getThrown() == null ? text : text + ": " + entry.getThrown()); // asks it for its words
    }

    @Override
    public void flush() {}

    @Override
    public void close() {}
  };

  @BeforeEach
  void listenToTheLog() {
    logger.setUseParentHandlers(false);
    logger.addHandler(notes);
  }

  @AfterEach
  void listenNoMore() {
    logger.removeHandler(notes);
  }

  /** How each entry begins, in any order: frames are read while handlers run. */
  private void assertLogged(String... beginnings) {
    assertEquals(beginnings.length, logged.size(), logged::toString);
    for (String each : beginnings)
      assertEquals(1, logged.stream().filter(entry -> entry.startsWith(each)).count(), () -> each + " in " + logged);
  }

  private static TaskEnvelope unsaved(String id, Message data) {
    return Envelopes.create("acme.com", id, data);
  }

  private static TaskEnvelope saved(String id) {
    return Envelopes.withVersion(unsaved(id, FetchFile.newBuilder().setFilename(id).build()), 1_767_323_046_000_000L);
  }

  private static TaskEnvelope mail(String id) {
    return Envelopes.withVersion(unsaved(id, SendMail.getDefaultInstance()), 1_767_323_046_000_000L);
  }

  private static ByteArrayInputStream streamOf(byte[]... messages) throws IOException {
    ByteArrayOutputStream stream = new ByteArrayOutputStream();
    for (byte[] each : messages) Frames.write(stream, each);
    return new ByteArrayInputStream(stream.toByteArray());
  }

  private Worker worker() {
    return new Worker((TaskEnvelope envelope) -> completed.add(envelope.getId()))
        .does(FetchFile.getDefaultInstance(), (file, context) -> {
          if (file.getFilename().startsWith("bad")) throw new IOException("it failed");
          if (file.getFilename().startsWith("deep")) throw new StackOverflowError();
        });
  }

  @Test
  void whatFailsIsLoggedAndKeepsNobodyElseFromBeingDone() throws Exception {
    byte[] unsaved = Envelopes.encode(unsaved("unsaved", FetchFile.getDefaultInstance()));
    Summary summary = worker().run(streamOf(
        Envelopes.encode(saved("bad")), Envelopes.encode(saved("deep")), "no envelope".getBytes(), unsaved,
        Envelopes.encode(mail("a")), Envelopes.encode(mail("b")), new byte[0], Envelopes.encode(saved("good"))));
    assertEquals(new Summary(1, 3, 2, 0, 2), summary);
    assertEquals(List.of("good"), completed);
    // An unknown type is told of once, and each other problem by its name.
    assertLogged(
        "SEVERE task \"bad\" of \"acme.com\" failed; it stays open: java.io.IOException: it failed",
        "SEVERE task \"deep\" of \"acme.com\" failed; it stays open: java.lang.StackOverflowError",
        "SEVERE a frame of 11 bytes can't be read: INVALID_ENVELOPE",
        "SEVERE task \"unsaved\" of \"acme.com\" failed; it stays open: "
            + "io.github.taskledger.worker.InvalidTaskException: NOT_SAVED",
        "WARNING tasks of type example.v1.SendMail are passed over: there is no handler for it",
        "SEVERE a frame of 0 bytes can't be read: INVALID_ENVELOPE");
  }

  /** An exception whose message can't be read. */
  private static final class Mute extends RuntimeException {
    private static final long serialVersionUID = 1;

    @Override
    public String getMessage() {
      throw new IllegalStateException("no words");
    }
  }

  /** Checked exceptions that a handler can throw in other JVM languages. */
  private static final class Odd extends Throwable {
    private static final long serialVersionUID = 1;
  }

  @SuppressWarnings("unchecked")
  private static <T extends Throwable> void throwAnything(Throwable thrown) throws T {
    throw (T) thrown;
  }

  static Stream<Arguments> thrown() {
    return Stream.of(
        arguments(new Mute(), "Mute, whose message can't be read"),
        arguments(new IllegalStateException("see the cause", new Mute()), "IllegalStateException"),
        arguments(new IOException((String) null), "java.io.IOException"),
        arguments(new IOException("\ud800 is no text"), "is no text"),
        arguments(new CompletionException(null, null), "CompletionException"),
        arguments(new AssertionError("it is no Exception"), "java.lang.AssertionError: it is no Exception"),
        arguments(new OutOfMemoryError("of a thread"), "java.lang.OutOfMemoryError: of a thread"),
        arguments(new Odd(), "Odd"),
        arguments(new InterruptedException("of its own"), "java.lang.InterruptedException: of its own"));
  }

  @ParameterizedTest
  @MethodSource("thrown")
  void whateverAHandlerThrowsIsLoggedAndKeepsNobodyElseFromBeingDone(Throwable thrown, String reason) throws Exception {
    Worker worker = new Worker((TaskEnvelope envelope) -> completed.add(envelope.getId()));
    worker.does(FetchFile.getDefaultInstance(), (file, context) -> {
      if (file.getFilename().equals("odd")) WorkerTest.<RuntimeException>throwAnything(thrown);
    });
    worker.doesAsync(SendMail.getDefaultInstance(), (mail, context) -> {
      if (context.envelope().getId().equals("now")) return CompletableFuture.failedFuture(thrown);
      CompletableFuture<Void> later = new CompletableFuture<>();
      CompletableFuture.delayedExecutor(20, TimeUnit.MILLISECONDS).execute(() -> later.completeExceptionally(thrown));
      return later;
    });
    Stream<TaskEnvelope> tasks = Stream.of(saved("odd"), mail("now"), mail("later"), saved("good"));
    assertEquals(new Summary(1, 3, 0, 0, 0), worker.run(tasks));
    assertEquals(List.of("good"), completed);
    assertEquals(3, logged.size(), logged::toString);
    for (String each : logged) assertTrue(each.contains(" failed; it stays open") && each.contains(reason), each);
  }

  @Test
  void anAsynchronousHandlerThatGivesNothingLeavesItsTaskOpen() throws Exception {
    Worker worker = new Worker((TaskEnvelope envelope) -> completed.add(envelope.getId()));
    worker.doesAsync(FetchFile.getDefaultInstance(), (file, context) -> null);
    assertEquals(new Summary(0, 1, 0, 0, 0), worker.run(Stream.of(saved("a"))));
    assertLogged("SEVERE task \"a\" of \"acme.com\" failed; it stays open: java.lang.NullPointerException");
  }

  @ParameterizedTest
  @MethodSource("thrown")
  void whatAHandlerThrowsComesAsItIs(Throwable thrown, String reason) {
    Worker worker = new Worker((TaskEnvelope envelope) -> completed.add(envelope.getId()));
    worker.does(FetchFile.getDefaultInstance(), (file, context) -> WorkerTest.<RuntimeException>throwAnything(thrown));
    Throwable caught = assertThrows(Throwable.class, () -> worker.handle(saved("a")));
    assertSame(thrown, thrown instanceof Odd ? caught.getCause() : caught);
    Thread.interrupted(); // as an InterruptedException leaves it
  }

  @Test
  void aTaskThatWasNeverSavedIsNotDone() {
    TaskEnvelope unsaved = unsaved("a", FetchFile.getDefaultInstance());
    assertEquals(Code.NOT_SAVED, assertThrows(TaskException.class, () -> worker().handle(unsaved)).code());
    assertEquals(List.of(), completed);
  }

  @Test
  void aDamagedTaskIsPassedOverAndLogged() throws Exception {
    assertFalse(worker().handle(Envelopes.stored("l", "i", 1, new byte[] {-1})));
    assertLogged("SEVERE task \"i\" of \"l\" is passed over: its store holds bytes that are no task");
  }

  @Test
  void aTruncatedStreamIsToldAfterWhatCameBeforeIsDone() throws IOException {
    byte[] whole = streamOf(Envelopes.encode(saved("a")), Envelopes.encode(saved("b"))).readAllBytes();
    var stream = new ByteArrayInputStream(Arrays.copyOf(whole, whole.length - 1));
    assertEquals(Code.TRUNCATED, assertThrows(TaskException.class, () -> worker().run(stream)).code());
    assertEquals(List.of("a"), completed);
  }

  @Test
  void fourHandlersRunAtOnceAndNoMore() throws Exception {
    AtomicInteger running = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    CountDownLatch together = new CountDownLatch(4);
    Worker worker = new Worker((TaskEnvelope envelope) -> completed.add(envelope.getId())).concurrency(4);
    worker.does(FetchFile.getDefaultInstance(), (file, context) -> {
      most.accumulateAndGet(running.incrementAndGet(), Math::max);
      together.countDown();
      assertTrue(together.await(10, TimeUnit.SECONDS));
      running.decrementAndGet();
    });
    Stream<TaskEnvelope> tasks = IntStream.range(0, 16).mapToObj(i -> saved("" + i));
    assertEquals(new Summary(16, 0, 0, 0, 0), worker.run(tasks));
    assertEquals(4, most.get());
  }

  @Test
  void anAsynchronousHandlersTaskIsCompletedOnceItIsDoneAndNotBefore() throws Exception {
    CompletableFuture<String> done = new CompletableFuture<>();
    Worker worker = new Worker((TaskEnvelope envelope) -> completed.add(envelope.getId()));
    worker.doesAsync(FetchFile.getDefaultInstance(), (file, context) -> done);
    CompletableFuture<Boolean> handled = worker.handleAsync(saved("a"));
    assertFalse(handled.isDone());
    assertEquals(List.of(), completed);
    done.complete("done");
    assertTrue(handled.get());
    assertEquals(List.of("a"), completed);
  }

  /** Such as a database driver's: the store may be waiting for the same. */
  @Test
  void theThreadThatEndsAnAsynchronousHandlerDoesNotWaitForTheStore() throws Exception {
    CompletableFuture<Void> done = new CompletableFuture<>();
    CompletableFuture<Void> answer = new CompletableFuture<>();
    Worker worker = new Worker((TaskEnvelope envelope) -> answer.join());
    worker.doesAsync(FetchFile.getDefaultInstance(), (file, context) -> done);
    CompletableFuture<Boolean> handled = worker.handleAsync(saved("a"));
    done.complete(null);
    answer.complete(null);
    assertTrue(handled.get());
  }

  @Test
  void anAsynchronousHandlerThatFailsLeavesItsTaskOpen() throws Exception {
    Worker worker = new Worker((TaskEnvelope envelope) -> completed.add(envelope.getId()));
    worker.doesAsync(FetchFile.getDefaultInstance(), (file, context) ->
        CompletableFuture.failedFuture(new IOException("it failed")));
    assertEquals(new Summary(0, 1, 0, 0, 0), worker.run(Stream.of(saved("a"))));
    assertThrows(IOException.class, () -> worker.handle(saved("a")));
    assertEquals(List.of(), completed);
  }

  @Test
  void aWorkerThatIsStoppedBeginsNoMore() throws Exception {
    Worker worker = new Worker((TaskEnvelope envelope) -> completed.add(envelope.getId()));
    worker.does(FetchFile.getDefaultInstance(), (file, context) -> {
      worker.stop();
      assertTrue(context.isCancelled().getAsBoolean());
    });
    worker.run(Stream.of(saved("a"), saved("b")));
    assertEquals(List.of("a"), completed);
  }

  @Test
  void interruptingARunEndsIt() throws Exception {
    Worker worker = worker();
    Thread.currentThread().interrupt();
    assertThrows(InterruptedException.class, () -> worker.run(Stream.of(saved("a"))));
    assertEquals(List.of(), completed);
  }

  @Test
  void aTypeHasOneHandler() {
    Code code = assertThrows(TaskException.class, () ->
        worker().does(FetchFile.getDefaultInstance(), (file, context) -> {})).code();
    assertEquals(Code.DUPLICATE_TYPE, code);
  }

  private static Code codeOf(Throwable error) {
    return ((TaskException) error.getCause()).code();
  }

  @Test
  void aStoreIsCalledInOtherThreads() throws Exception {
    Store store = new MemoryStore() {
      @Override
      public void complete(TaskEnvelope envelope) {
        throw new StoreException(Code.TIMEOUT, "no answer", true, null);
      }
    };
    AsyncStore async = new AsyncStore(store, ForkJoinPool.commonPool());
    Task task = async.save(new Task(unsaved("a", FetchFile.getDefaultInstance()))).get();
    assertEquals(Optional.of(task.envelope()), async.find("acme.com", "a").get());
    Claim claim = async.claim(task.envelope(), "A", Duration.ofMinutes(1)).get().orElseThrow();
    assertEquals("A", async.claimState("acme.com", "a").get().orElseThrow().owner());
    assertEquals(claim.token(), async.renew(claim, Duration.ofMinutes(2)).get().token());
    async.release(claim, Duration.ZERO).get();
    assertEquals(Code.CLAIM_LOST, async.renew(claim, Duration.ofMinutes(2)).handle((done, error) -> codeOf(error)).get());
    async.forget(claim).get();
    assertTrue(async.claimState("acme.com", "a").get().isEmpty());
    assertTrue(async.complete(task.envelope()).handle((done, error) -> error != null).get());
  }
}
