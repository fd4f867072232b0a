package io.github.taskledger.worker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import example.v1.FetchFileOuterClass.FetchFile;
import example.v1.SendMailOuterClass.SendMail;
import io.github.taskledger.v1.TaskEnvelope;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Tasks that are done under a claim. */
@Timeout(value = 20, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class PerformTest {
  private static final PerformOptions ANY = PerformOptions.DEFAULT;
  private static final PerformOptions AT_ONCE = ANY.withBackoff(Duration.ZERO, Duration.ZERO);
  private static final Duration SHORT = Duration.ofMillis(300);

  private final MemoryStore store = new MemoryStore();
  private final List<String> done = new CopyOnWriteArrayList<>();
  private final Logger logger = Logger.getLogger(Worker.class.getName());

  @BeforeEach
  void logNothing() {
    logger.setLevel(Level.OFF);
  }

  @AfterEach
  void logAgain() {
    logger.setLevel(null);
  }

  private static TaskEnvelope save(Store store, String id) {
    FetchFile file = FetchFile.newBuilder().setFilename(id).build();
    Task task = new Task(Envelopes.create("acme.com", id, file).toBuilder().putHeaders("trace", "1").build());
    store.save(task);
    return task.envelope();
  }

  private TaskEnvelope save(String id) {
    return save(store, id);
  }

  private static Worker worker(Store store, Handler<FetchFile> handler) {
    return new Worker(store).does(FetchFile.getDefaultInstance(), handler);
  }

  private Worker worker(Handler<FetchFile> handler) {
    return worker(store, handler);
  }

  private static void fail(FetchFile file, Context context) throws IOException {
    throw new IOException("no such host");
  }

  private static void isInterrupted(FetchFile file, Context context) throws InterruptedException {
    Thread.currentThread().interrupt();
    Thread.sleep(1000);
  }

  private void note(FetchFile file, Context context) {
    done.add(file.getFilename() + " " + context.attempt());
  }

  private Summary recover(Worker worker, PerformOptions options) throws InterruptedException {
    return worker.recover("acme.com", Duration.ZERO, options);
  }

  private List<String> open(String taskList) {
    return store.openTasks(taskList).map(TaskEnvelope::getId).toList();
  }

  private String claimed(String id) {
    return store.claimState("acme.com", id).map(state -> state.owner() + " " + state.attempt()).orElse("");
  }

  private static void await(CountDownLatch latch) {
    try {
      if (!latch.await(10, TimeUnit.SECONDS)) throw new IllegalStateException("it did not come");
    } catch (InterruptedException interrupted) {
      throw new IllegalStateException(interrupted);
    }
  }

  private static boolean waitUntil(BooleanSupplier condition) throws InterruptedException {
    for (int i = 0; i < 1000; i++) {
      if (condition.getAsBoolean()) return true;
      Thread.sleep(10);
    }
    return false;
  }

  @Test
  void theOpenTasksOfAListAreDoneEachUnderAClaim() throws Exception {
    for (String id : List.of("a", "bad", "b")) save(id);
    Worker worker = worker((file, context) -> {
      if (file.getFilename().equals("bad")) fail(file, context);
      Claim claim = context.claim().orElseThrow();
      done.add(file.getFilename() + " " + claim.attempt() + " " + (claim.token() > claim.savedAt()));
    });
    PerformOptions options = ANY.withBackoff(Duration.ofHours(1000), Duration.ofHours(1000));
    assertEquals(new Summary(2, 1, 0, 0, 0), recover(worker, options));
    assertEquals(List.of("a 1 true", "b 1 true"), done);
    assertEquals(List.of("bad"), open("acme.com"));
    assertEquals(new Summary(0, 0, 1, 0, 0), recover(worker, options)); // it waits to be tried again
  }

  @Test
  void aTaskWhoseWorkerDiedIsDoneByAnotherOnceTheLeaseIsOver() throws Exception {
    TaskEnvelope task = save("a");
    store.claim(task, "dead", SHORT);
    Worker worker = worker(this::note);
    assertEquals(Result.PASSED_OVER, worker.perform(task, ANY));
    assertTrue(waitUntil(() -> worker.perform(task, ANY) == Result.COMPLETED));
    assertEquals(List.of("a 2"), done);
  }

  @RepeatedTest(20)
  void ofManyPerformsAtOnceOneDoesTheTask() throws Exception {
    TaskEnvelope task = save("a");
    AtomicInteger begun = new AtomicInteger();
    Worker worker = worker((file, context) -> {
      begun.incrementAndGet();
      Thread.sleep(1);
    });
    CyclicBarrier start = new CyclicBarrier(8);
    List<CompletableFuture<Result>> all = IntStream.range(0, 8).mapToObj(i -> CompletableFuture.supplyAsync(() -> {
      try {
        start.await();
      } catch (Exception broken) {
        throw new IllegalStateException(broken);
      }
      return worker.perform(task, ANY);
    }, command -> new Thread(command).start())).toList();
    assertEquals(1, all.stream().filter(each -> each.join() == Result.COMPLETED).count());
    assertEquals(1, begun.get());
  }

  @Test
  void asManyTasksAreDoneAtOnceAsTheWorkerHasHandlers() throws Exception {
    IntStream.range(0, 12).forEach(i -> save("" + i));
    CountDownLatch together = new CountDownLatch(4);
    Worker worker = worker((file, context) -> {
      together.countDown();
      await(together);
    }).concurrency(4);
    assertEquals(new Summary(12, 0, 0, 0, 0), recover(worker, ANY));
  }

  @Test
  void aTaskThatAMarkSaysWasHandedOverAgainIsDoneThoughItFailedBefore() {
    TaskEnvelope task = save("a");
    Worker worker = worker((file, context) -> {
      if (context.attempt() == 1) fail(file, context);
    });
    assertEquals(Result.FAILED, worker.perform(task, AT_ONCE));
    store.mark(task);
    assertEquals(Result.COMPLETED, worker.perform(task, AT_ONCE.withMaxAttempts(2)));
  }

  @Test
  void whetherTheLastAttemptFailedIsToldOnceThoughAMarkHidesIt() {
    TaskEnvelope task = save("a");
    Worker worker = worker(PerformTest::fail);
    worker.perform(task, AT_ONCE);
    store.mark(task);
    assertEquals(Result.GIVEN_UP, worker.perform(task, AT_ONCE.withMaxAttempts(1)));
    store.mark(task);
    assertEquals(Result.PASSED_OVER, worker.perform(task, AT_ONCE.withMaxAttempts(1)));
    assertEquals("taskledger.redelivery 2", claimed("a"));
  }

  @Test
  void aTaskThatIsGivenUpStaysOpenAndIsTriedAndClaimedNoMore() throws Exception {
    TaskEnvelope task = save("a");
    Worker worker = worker(PerformTest::fail);
    PerformOptions twice = AT_ONCE.withMaxAttempts(2);
    List<Result> results = Stream.generate(() -> worker.perform(task, twice)).limit(4).toList();
    assertEquals(List.of(Result.FAILED, Result.GIVEN_UP, Result.PASSED_OVER, Result.PASSED_OVER), results);
    assertEquals(new Summary(0, 0, 1, 0, 0), recover(worker, twice));
    assertEquals("null 2", claimed("a"));
    // Until more attempts are allowed, or it is saved again.
    assertEquals(Result.FAILED, worker.perform(task, AT_ONCE.withMaxAttempts(4)));
    assertEquals(Result.GIVEN_UP, worker.perform(save("a"), AT_ONCE.withMaxAttempts(1)));
    assertEquals("null 4", claimed("a"));
  }

  @Test
  void aVersionThatNobodyHasClaimedYetIsTriedOnceAtLeast() {
    for (int i = 0; i < 3; i++) store.release(store.claim(save("a"), "A", SHORT).orElseThrow(), Duration.ZERO);
    assertEquals(Result.COMPLETED, worker(this::note).perform(save("a"), ANY.withMaxAttempts(1)));
    assertEquals(List.of("a 4"), done);
  }

  @Test
  void aTaskWhoseWorkerDiedInItsLastAttemptIsGivenUpWithoutAnother() throws Exception {
    TaskEnvelope task = save("a");
    store.claim(task, "dead", Claim.LEAST_LEASE);
    Thread.sleep(50);
    Worker worker = worker(this::note);
    assertEquals(Result.GIVEN_UP, worker.perform(task, ANY.withMaxAttempts(1)));
    assertEquals("null 2", claimed("a"));
    assertEquals(Result.PASSED_OVER, worker.perform(task, ANY.withMaxAttempts(1)));
    assertEquals(List.of(), done);
  }

  @Test
  void aTaskThatIsGivenUpGoesToTheDeadLetterList() throws Exception {
    TaskEnvelope task = save("a");
    Worker worker = worker(PerformTest::fail);
    PerformOptions options = AT_ONCE.withMaxAttempts(1).withDeadLetterList("dead");
    assertEquals(new Summary(0, 0, 0, 1, 0), recover(worker, options));
    assertEquals(List.of(), open("acme.com"));
    TaskEnvelope letter = store.openTasks("dead").findFirst().orElseThrow();
    assertEquals("acme.com/a@" + Envelopes.savedVersion(task), letter.getId());
    assertTrue(letter.getHeadersOrThrow("taskledger-dead-at").matches("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z"));
    TaskEnvelope expected = task.toBuilder()
        .setTaskList("dead").setId(letter.getId()).setAttempt(1).setSavedAt(letter.getSavedAt())
        .putHeaders("taskledger-dead-list", "acme.com").putHeaders("taskledger-dead-id", "a")
        .putHeaders("taskledger-dead-attempts", "1").putHeaders("taskledger-dead-reason", "no such host")
        .putHeaders("taskledger-dead-at", letter.getHeadersOrThrow("taskledger-dead-at")).build();
    assertEquals(expected, letter);
    // A dead letter that fails in its list stays there.
    assertEquals(new Summary(0, 0, 0, 1, 0), worker.recover("dead", Duration.ZERO, options));
    assertEquals(new Summary(0, 0, 1, 0, 0), worker.recover("dead", Duration.ZERO, options));
    assertEquals(List.of(letter.getId()), open("dead"));
  }

  @Test
  void aLongIdOfADeadLetterIsAHash() {
    worker(PerformTest::fail).perform(save("i".repeat(512)), ANY.withMaxAttempts(1).withDeadLetterList("dead"));
    assertTrue(open("dead").get(0).matches("sha256:[0-9a-f]{64}"), () -> open("dead").toString());
  }

  @Test
  void theIdOfADeadLetterIsAHashWhereItCouldBeNone() {
    TaskEnvelope stored = Envelopes.stored("acme.com", "a\0", 1, new byte[] {-1});
    assertTrue(DeadLetters.of(stored, "dead", 1, new Mute()).getId().startsWith("sha256:"));
  }

  @Test
  void aDeadLetterThatIsGivenUpAgainLeadsBackToWhereItCameFromFirst() throws Exception {
    save("a");
    Worker worker = worker(PerformTest::fail);
    PerformOptions options = AT_ONCE.withMaxAttempts(1);
    assertEquals(new Summary(0, 0, 0, 1, 0), recover(worker, options.withDeadLetterList("dead")));
    worker.recover("dead", Duration.ZERO, options.withDeadLetterList("dead again"));
    TaskEnvelope letter = store.openTasks("dead again").findFirst().orElseThrow();
    assertEquals("acme.com a",
        letter.getHeadersOrThrow("taskledger-dead-list") + " " + letter.getHeadersOrThrow("taskledger-dead-id"));
  }

  @Test
  void aTaskOfTheMaximumSizeIsGivenUpThoughItsDeadLetterIsLarger() throws Exception {
    FetchFile large = FetchFile.newBuilder().setFilename("x".repeat(Envelopes.MAX_TASK_BYTES - 150)).build();
    store.save(new Task(Envelopes.create("acme.com", "large", large)));
    PerformOptions options = AT_ONCE.withMaxAttempts(1).withDeadLetterList("dead");
    assertEquals(new Summary(0, 0, 0, 1, 0), recover(worker(PerformTest::fail), options));
    assertEquals(List.of(), open("acme.com"));
    assertTrue(store.openTasks("dead").anyMatch(letter -> letter.getSerializedSize() > Envelopes.MAX_TASK_BYTES));
  }

  /** An exception whose message can't be read. */
  private static final class Mute extends RuntimeException {
    private static final long serialVersionUID = 1;

    @Override
    public String getMessage() {
      throw new IllegalStateException("no words");
    }
  }

  static Stream<Arguments> reasons() {
    return Stream.of(
        arguments(new Mute(), Mute.class.getName()),
        arguments(new IllegalStateException("see the cause", new Mute()), "see the cause"),
        arguments(new IllegalStateException("\ud800 is no text"), "? is no text"),
        arguments(new IllegalStateException("é".repeat(1001)), "é".repeat(1000)),
        arguments(new StackOverflowError(), "java.lang.StackOverflowError"),
        arguments(new StoreException(Code.TIMEOUT, "no answer", true, null), "TIMEOUT: no answer"));
  }

  @ParameterizedTest
  @MethodSource("reasons")
  void whateverAHandlerThrowsATaskIsGivenUpForAReasonThatCanBeRead(Throwable error, String reason) {
    Worker worker = worker((file, context) -> {
      if (error instanceof Error fatal) throw fatal;
      throw (Exception) error;
    });
    logger.setLevel(null); // a logger reads the message, too
    logger.setUseParentHandlers(false);
    assertEquals(Result.GIVEN_UP, worker.perform(save("a"), ANY.withMaxAttempts(1).withDeadLetterList("dead")));
    logger.setUseParentHandlers(true);
    TaskEnvelope letter = store.openTasks("dead").findFirst().orElseThrow();
    assertEquals(reason, letter.getHeadersOrThrow("taskledger-dead-reason"));
  }

  @Test
  void aTaskThatItsHandlerSavedAgainIsNoDeadLetter() {
    Worker worker = worker((file, context) -> {
      save("a");
      fail(file, context);
    });
    assertEquals(Result.PASSED_OVER, worker.perform(save("a"), ANY.withMaxAttempts(1).withDeadLetterList("dead")));
    assertEquals(List.of("a"), open("acme.com"));
    assertEquals(List.of(), open("dead"));
  }

  /** A store of which some calls fail while it is told so. */
  private static class Failing extends MemoryStore {
    volatile TaskException onSave;
    volatile TaskException onComplete;
    volatile TaskException onClaim;
    volatile TaskException onEnd;

    private static void fail(TaskException error) {
      if (error != null) throw error;
    }

    @Override
    public void save(Task task) {
      fail(onSave);
      super.save(task);
    }

    @Override
    public void complete(TaskEnvelope envelope) {
      fail(onComplete);
      super.complete(envelope);
    }

    @Override
    public Optional<Claim> claim(TaskEnvelope envelope, String owner, Duration lease) {
      Optional<Claim> claim = super.claim(envelope, owner, lease);
      fail(onClaim);
      return claim;
    }

    @Override
    public void release(Claim claim, Duration retryIn) {
      fail(onEnd);
      super.release(claim, retryIn);
    }

    @Override
    public void forget(Claim claim) {
      fail(onEnd);
      super.forget(claim);
    }
  }

  private static StoreException away(boolean mayApply) {
    return new StoreException(Code.UNAVAILABLE, "it is away", mayApply, null);
  }

  @Test
  void aTaskThatCanNotBePutAsideStaysOpenAndIsTriedAgain() {
    Failing failing = new Failing();
    TaskEnvelope task = save(failing, "a");
    Worker worker = worker(failing, PerformTest::fail);
    PerformOptions options = AT_ONCE.withMaxAttempts(1).withDeadLetterList("dead");
    failing.onSave = new InvalidTaskException(Code.TOO_LARGE, "it does not fit");
    assertEquals(Result.FAILED, worker.perform(task, options));
    failing.onSave = null;
    assertEquals(Result.GIVEN_UP, worker.perform(task, options));
  }

  @Test
  void whatWasDoneButCouldNotBeCompletedIsTheStoresErrorAndNoFailedAttempt() {
    Failing failing = new Failing();
    TaskEnvelope task = save(failing, "a");
    failing.onComplete = away(true);
    Worker worker = worker(failing, this::note);
    assertSame(failing.onComplete, assertThrows(StoreException.class, () -> worker.perform(task, ANY.withMaxAttempts(1))));
    assertTrue(failing.claimState("acme.com", "a").orElseThrow().owner() != null); // the claim expires
  }

  @Test
  void aClaimOfUnknownOutcomeCountsAsNotGrantedAndOneThatFailedIsTheStoresError() {
    Failing failing = new Failing();
    TaskEnvelope task = save(failing, "a");
    Worker worker = worker(failing, this::note);
    failing.onClaim = away(true);
    assertEquals(Result.PASSED_OVER, worker.perform(task, ANY));
    failing.onClaim = away(false);
    assertSame(failing.onClaim, assertThrows(StoreException.class, () -> worker.perform(task, ANY)));
    assertEquals(List.of(), done);
  }

  @Test
  void aClaimThatCanNotBeEndedExpires() {
    Failing failing = new Failing();
    failing.onEnd = away(true);
    Worker worker = worker(failing, (file, context) -> {
      if (file.getFilename().equals("bad")) fail(file, context);
    });
    assertEquals(Result.COMPLETED, worker.perform(save(failing, "a"), ANY));
    assertEquals(Result.FAILED, worker.perform(save(failing, "bad"), ANY));
  }

  @Test
  void theStoresErrorEndsAPassAfterTheHandlersThatRunHaveEnded() {
    CountDownLatch isBegun = new CountDownLatch(1);
    MemoryStore failing = new MemoryStore() {
      @Override
      public Optional<Claim> claim(TaskEnvelope envelope, String owner, Duration lease) {
        if (!envelope.getId().equals("b")) return super.claim(envelope, owner, lease);
        await(isBegun);
        throw away(false);
      }
    };
    for (String id : List.of("a", "b", "c", "d")) save(failing, id);
    Worker worker = worker(failing, (file, context) -> {
      isBegun.countDown();
      Thread.sleep(200);
      done.add(file.getFilename());
    }).concurrency(2);
    assertEquals(Code.UNAVAILABLE, assertThrows(StoreException.class, () -> recover(worker, ANY)).code());
    assertEquals(List.of("a"), done);
  }

  @Test
  void aWorkerThatIsStoppedTellsItsHandlersAndReleasesWhatTheyLeave() throws Exception {
    for (String id : List.of("a", "b")) save(id);
    Worker[] worker = {null};
    worker[0] = worker((file, context) -> {
      note(file, context);
      worker[0].stop();
      if (context.isCancelled().getAsBoolean()) fail(file, context);
    });
    assertEquals(new Summary(0, 1, 0, 0, 0), recover(worker[0], ANY.withMaxAttempts(2)));
    assertEquals(List.of("a 1"), done);
    assertEquals(2, store.claim(store.find("acme.com", "a").orElseThrow(), "B", SHORT).orElseThrow().attempt());
  }

  @Test
  void aClaimIsRenewedWhileTheHandlerRuns() {
    TaskEnvelope task = save("a");
    Worker worker = worker((file, context) -> {
      Thread.sleep(3 * SHORT.toMillis());
      if (context.isCancelled().getAsBoolean()) throw new IllegalStateException("it was lost");
      if (store.claim(task, "another", SHORT).isPresent()) throw new IllegalStateException("another has it");
    });
    assertEquals(Result.COMPLETED, worker.perform(task, ANY.withLease(SHORT)));
  }

  @Test
  void aHandlerIsToldWhenItsClaimIsLostAndItsFailureIsNotCounted() throws Exception {
    TaskEnvelope task = save("a");
    Duration lease = Duration.ofSeconds(3);
    Worker worker = worker((file, context) -> {
      store.release(context.claim().orElseThrow(), Duration.ZERO);
      boolean isLost = waitUntil(context.isCancelled());
      // By the first renewal, and not only when the lease is about to end.
      long left = context.claim().orElseThrow().until() - System.currentTimeMillis();
      done.add("lost: " + (isLost && left > lease.toMillis() / 3));
      fail(file, context);
    });
    PerformOptions options = AT_ONCE.withLease(lease).withMaxAttempts(1).withDeadLetterList("dead");
    assertEquals(Result.FAILED, worker.perform(task, options));
    assertEquals(List.of("lost: true"), done);
    assertEquals(List.of("a"), open("acme.com"));
  }

  @Test
  void aHandlerIsToldBeforeTheLeaseEndsThoughTheStoreDoesNotAnswer() throws Exception {
    CountDownLatch isOver = new CountDownLatch(1);
    MemoryStore silent = new MemoryStore() {
      @Override
      public Claim renew(Claim claim, Duration lease) {
        await(isOver);
        return claim;
      }
    };
    Worker worker = worker(silent, (file, context) -> {
      boolean isLost = waitUntil(context.isCancelled());
      done.add(isLost + " " + (System.currentTimeMillis() < context.claim().orElseThrow().until()));
      isOver.countDown();
    });
    assertEquals(Result.COMPLETED, worker.perform(save(silent, "a"), ANY.withLease(Duration.ofSeconds(2))));
    assertEquals(List.of("true true"), done);
  }

  @Test
  void noRenewalComesAfterTheTaskIsDone() throws Exception {
    AtomicInteger renewals = new AtomicInteger();
    MemoryStore counting = new MemoryStore() {
      @Override
      public Claim renew(Claim claim, Duration lease) {
        renewals.incrementAndGet();
        return super.renew(claim, lease);
      }
    };
    worker(counting, this::note).perform(save(counting, "a"), ANY.withLease(SHORT));
    Thread.sleep(SHORT.toMillis());
    assertEquals(0, renewals.get());
  }

  @Test
  void anAsynchronousHandlerHoldsNoThreadAndItsClaimIsRenewed() throws Exception {
    TaskEnvelope task = save("a");
    CompletableFuture<Void> fetched = new CompletableFuture<>();
    Worker worker = new Worker(store).doesAsync(FetchFile.getDefaultInstance(), (file, context) -> fetched);
    CompletableFuture<Result> result = worker.performAsync(task, ANY.withLease(SHORT));
    Thread.sleep(2 * SHORT.toMillis());
    assertFalse(result.isDone());
    assertTrue(store.claim(task, "another", SHORT).isEmpty());
    fetched.complete(null);
    assertEquals(Result.COMPLETED, result.get());
    assertEquals("", claimed("a"));
    CompletableFuture<Result> failed = new Worker(store)
        .doesAsync(FetchFile.getDefaultInstance(), (file, context) -> CompletableFuture.failedFuture(new Mute()))
        .performAsync(save("a"), ANY);
    assertEquals(Result.FAILED, failed.get());
  }

  @Test
  void aStageThatCanNotBeWaitedForIsAFailureAndItsClaimIsReleased() {
    CompletionStage<?> broken = (CompletionStage<?>) Proxy.newProxyInstance(
        getClass().getClassLoader(), new Class<?>[] {CompletionStage.class}, (proxy, method, arguments) -> {
          throw new UnsupportedOperationException(method.getName());
        });
    Worker worker = new Worker(store).doesAsync(FetchFile.getDefaultInstance(), (file, context) -> broken);
    assertEquals(Result.FAILED, worker.perform(save("a"), AT_ONCE));
    assertEquals("null 1", claimed("a"));
  }

  @Test
  void anInterruptedHandlersTaskMayBeTriedAgainAtOnce() {
    assertEquals(Result.FAILED, worker(PerformTest::isInterrupted).perform(save("a"), ANY.withMaxAttempts(2)));
    assertTrue(Thread.interrupted());
    assertEquals("null 1", claimed("a"));
    assertEquals(0, store.claimState("acme.com", "a").orElseThrow().until());
  }

  @Test
  void aTaskWhoseLastAttemptWasInterruptedIsGivenUpByTheNextWorker() throws InterruptedException {
    TaskEnvelope task = save("a");
    assertEquals(Result.FAILED, worker(PerformTest::isInterrupted).perform(task, ANY.withMaxAttempts(1)));
    assertTrue(Thread.interrupted());
    Thread.sleep(5);
    for (Result expected : List.of(Result.GIVEN_UP, Result.PASSED_OVER))
      assertEquals(expected, worker(PerformTest::fail).perform(task, ANY.withMaxAttempts(1)));
    assertEquals("null 2", claimed("a"));
  }

  @Test
  void whatWasDoneIsCompletedThoughTheThreadWasInterrupted() {
    MemoryStore strict = new MemoryStore() {
      @Override
      public void complete(TaskEnvelope envelope) {
        if (Thread.currentThread().isInterrupted()) throw new StoreException(Code.ABORTED, "it was", true, null);
        super.complete(envelope);
      }
    };
    Worker worker = worker(strict, (file, context) -> Thread.currentThread().interrupt());
    assertEquals(Result.COMPLETED, worker.perform(save(strict, "a"), ANY));
    assertTrue(Thread.interrupted());
  }

  @Test
  void aTaskOfAnUnknownTypeIsPassedOverUnclaimed() {
    Task mail = new Task(Envelopes.create("acme.com", "mail", SendMail.getDefaultInstance()));
    store.save(mail);
    assertEquals(Result.PASSED_OVER, worker(this::note).perform(mail.envelope(), ANY));
    assertEquals("", claimed("mail"));
  }

  @Test
  void waitsAreRandomAndDoubleUpToTheLongest() {
    PerformOptions options = ANY.withBackoff(Duration.ofSeconds(1), Duration.ofSeconds(8));
    for (int attempt : List.of(1, 2, 4, 40, Integer.MAX_VALUE)) {
      long most = Stream.generate(() -> options.waitAfter(attempt)).limit(1000).mapToLong(Duration::toMillis).max().orElse(0);
      long bound = 1000 * Math.min(8, 1L << Math.min(attempt - 1, 10));
      assertTrue(most <= bound && most > bound * 0.9, attempt + ": " + most);
    }
  }

  static Stream<Executable> senselessOptions() {
    return Stream.of(
        () -> ANY.withMaxAttempts(0),
        () -> ANY.withLease(Duration.ZERO),
        () -> ANY.withLease(Claim.LEAST_LEASE.minusNanos(1)),
        () -> ANY.withBackoff(Duration.ofMillis(-1), Duration.ZERO),
        () -> ANY.withBackoff(Duration.ZERO, Duration.ofMillis(-1)));
  }

  @ParameterizedTest
  @MethodSource("senselessOptions")
  void optionsThatMakeNoSenseAreRefused(Executable act) {
    assertEquals(Code.INVALID_ARGUMENT, assertThrows(InvalidTaskException.class, act).code());
  }

  @Test
  void aPassThatMakesNoSenseIsRefused() {
    Worker worker = worker(this::note);
    Executable unnamed = () -> worker.recover("", Duration.ZERO, ANY);
    assertEquals(Code.INVALID_KEY, assertThrows(TaskException.class, unnamed).code());
    Executable early = () -> worker.recover("acme.com", Duration.ofNanos(-1), ANY);
    assertEquals(Code.INVALID_ARGUMENT, assertThrows(TaskException.class, early).code());
  }

  @Test
  void aDeadLetterListMustBeANameOfAList() {
    assertEquals(Code.INVALID_KEY, assertThrows(TaskException.class, () -> ANY.withDeadLetterList("")).code());
  }

  @Test
  void leasesAndWaitsWithoutAnEndAreLongOnes() {
    Duration longest = Duration.ofSeconds(Long.MAX_VALUE);
    PerformOptions options = ANY.withLease(longest).withBackoff(longest, longest);
    assertTrue(options.waitAfter(Integer.MAX_VALUE).compareTo(Duration.ofDays(1)) > 0);
    AtomicBoolean wasLost = new AtomicBoolean();
    MemoryStore patient = new MemoryStore() {
      @Override
      public Optional<Claim> claim(TaskEnvelope envelope, String owner, Duration lease) {
        return super.claim(envelope, owner, SHORT);
      }
    };
    Worker worker = worker(patient, (file, context) -> wasLost.set(context.isCancelled().getAsBoolean()));
    assertEquals(Result.COMPLETED, worker.perform(save(patient, "a"), options));
    assertFalse(wasLost.get());
  }

  @Test
  void aWorkerWithoutAStoreClaimsNothing() {
    Worker worker = new Worker((TaskEnvelope envelope) -> done.add(envelope.getId()));
    Code code = assertThrows(TaskException.class, () -> worker.perform(save("a"), ANY)).code();
    assertEquals(Code.INVALID_ARGUMENT, code);
    assertEquals(code, assertThrows(TaskException.class, () -> recover(worker, ANY)).code());
  }

  @Test
  void anOwnersNameIsItsOwnAndTellsTheProcess() {
    assertTrue(Claim.newOwner().matches(".+:" + ProcessHandle.current().pid() + ":[0-9a-f]{12}"), Claim.newOwner());
    assertFalse(Claim.newOwner().equals(Claim.newOwner()));
  }
}
