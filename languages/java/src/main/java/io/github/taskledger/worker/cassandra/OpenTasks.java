package io.github.taskledger.worker.cassandra;

import io.github.taskledger.v1.TaskEnvelope;
import io.github.taskledger.worker.Code;
import io.github.taskledger.worker.Envelopes;
import io.github.taskledger.worker.StoreException;
import io.github.taskledger.worker.cassandra.CassandraSession.Statement;
import io.github.taskledger.worker.cassandra.RetryingSession.TooManyTombstones;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/** One pass over a list's ledger, by the rules of listing in docs/protocol.md. */
final class OpenTasks {
  static final int PAGE_ROWS = 500;

  /** The first page is small, so that the first task comes soon. */
  static final int FIRST_PAGE_ROWS = 16;

  static final int PAGE_BYTES = 4 * 1024 * 1024;

  /** Entries of all partitions together that are held at once. */
  private static final int HELD_ENTRIES = 32_000;

  /** Maximum number of partitions in one query. */
  private static final int PARTITIONS_A_READ = 16;

  /** After so many reads that went well in halves, the whole rest is tried again. */
  private static final int SUCCESSES = 3;

  private static final String PARTITION = " FROM %s.open_tasks WHERE task_list = ? AND shard = ? ";

  /** An entry's place in a partition's ledger. */
  private record Place(long savedAt, String id) {}

  /** An entry, and the number of bytes of its task's body, as its writer says; 0 if it does not. */
  private record Entry(Place place, int size) {}

  /** An entry that was taken, and those that were read with it. */
  private record Placed(Place place, Set<Place> page, Partition partition) {
    /** Whether the version that replaced this one has an entry at hand. One still to be read may be swept before. */
    boolean comesLater(Place later) {
      return page.contains(later) || partition.lastPage.contains(later);
    }
  }

  private record Segment(long from, long upTo) {}

  private final CassandraStore store;
  private final String taskList;
  private final long bound;
  /** Leaves out what was saved then or later, but for what a wrong clock saved. */
  private final long before;
  private final int entriesARead;
  /** What was yielded away from its place: as many as tasks were overwritten meanwhile. */
  private final Set<Place> elsewhere = new HashSet<>();
  /** The ids of what was yielded past the bound: a wild clock's tasks, and those saved since. */
  private final Set<String> pastBound = new HashSet<>();

  OpenTasks(CassandraStore store, String taskList, Duration olderThan) {
    long now = store.clock().now();
    this.store = store;
    this.taskList = taskList;
    this.bound = now + 2 * store.clock().limit();
    this.before = olderThan.isZero() ? Long.MAX_VALUE : now - TimeUnit.MICROSECONDS.convert(olderThan);
    this.entriesARead = Math.max(8, Math.min(PAGE_ROWS, HELD_ENTRIES / store.shards()));
  }

  /** Lazy, unlike a stream of pages that are flattened: that would read on while its consumer is busy. */
  Stream<TaskEnvelope> stream() {
    return StreamSupport.stream(new Tasks(), false);
  }

  private final class Tasks extends Spliterators.AbstractSpliterator<TaskEnvelope> {
    private PriorityQueue<Partition> partitions;
    private final Deque<TaskEnvelope> page = new ArrayDeque<>();
    private int pageRows = FIRST_PAGE_ROWS;

    Tasks() {
      super(Long.MAX_VALUE, Spliterator.ORDERED | Spliterator.NONNULL);
    }

    @Override
    public boolean tryAdvance(Consumer<? super TaskEnvelope> action) {
      if (partitions == null) partitions = open();
      while (page.isEmpty() && !partitions.isEmpty()) {
        judge(take(partitions, pageRows), page);
        pageRows = PAGE_ROWS;
      }
      if (page.isEmpty()) return false;
      action.accept(page.poll());
      return true;
    }
  }

  /** All partitions at once: up to where the pass ends in each, without what was swept. */
  private PriorityQueue<Partition> open() {
    Map<Integer, List<?>> swept = new HashMap<>();
    Map<Integer, Long> ends = new HashMap<>();
    readStarts(swept, ends);
    List<Partition> all = IntStream.range(0, store.shards())
        .mapToObj(shard -> new Partition(shard, ends.getOrDefault(shard, bound), swept.getOrDefault(shard, List.of())))
        .toList();
    fillFirst(all);
    PriorityQueue<Partition> partitions =
        new PriorityQueue<>(Comparator.comparingLong(partition -> partition.head().place().savedAt()));
    for (Partition each : all) if (each.head() != null) partitions.add(each);
    return partitions;
  }

  /** The swept ranges, and where the pass ends in partitions with entries past the bound. Few partitions have either. */
  private void readStarts(Map<Integer, List<?>> swept, Map<Integer, Long> ends) {
    String ranges = "SELECT shard, ranges FROM %s.sweeps WHERE task_list = ? AND shard IN ?";
    String past = "SELECT shard FROM %s.open_tasks WHERE task_list = ? AND shard IN ? AND saved_at > ? PER PARTITION LIMIT 1";
    String last = "SELECT shard, saved_at" + PARTITION + "AND saved_at > ? ORDER BY saved_at DESC LIMIT 1";
    List<Statement> reads = new ArrayList<>();
    for (int first = 0; first < store.shards(); first += PARTITIONS_A_READ) {
      List<Integer> some = IntStream.range(first, Math.min(first + PARTITIONS_A_READ, store.shards())).boxed().toList();
      reads.add(store.cql(ranges, taskList, some));
      reads.add(store.cql(past, taskList, some, bound));
    }
    List<Statement> lastReads = new ArrayList<>();
    for (var row : readAll(reads))
      if (!row.containsKey("ranges")) lastReads.add(store.cql(last, taskList, row.get("shard"), bound));
      else if (row.get("ranges") instanceof List<?> found) swept.put((int) row.get("shard"), found);
    for (var row : readAll(lastReads)) ends.put((int) row.get("shard"), (long) row.get("saved_at"));
  }

  private List<Map<String, Object>> readAll(List<Statement> reads) {
    return store.session().readAll(reads).stream().flatMap(List::stream).toList();
  }

  /** The first page of each partition, read at once; one that is too much to read is read by itself. */
  private void fillFirst(List<Partition> all) {
    List<Partition> unread = all.stream().filter(each -> !each.segments.isEmpty()).toList();
    try {
      var rows = store.session().readAll(unread.stream().map(each -> each.reading(entriesARead)).toList());
      for (int i = 0; i < unread.size(); i++) unread.get(i).add(rows.get(i), unread.get(i).nextEnd(), entriesARead);
    } catch (StoreException tooMuch) {
      if (!RetryingSession.isTombstones(tooMuch.getCause())) throw tooMuch;
      // Those that were read are read again.
      unread.forEach(Partition::startAnew);
    }
    all.forEach(Partition::fill);
  }

  /** The next entries, bounded in number and in the bytes of their tasks; one alone may have more. */
  private static List<Placed> take(PriorityQueue<Partition> partitions, int most) {
    List<Placed> taken = new ArrayList<>();
    long left = PAGE_BYTES;
    while (taken.size() < most && !partitions.isEmpty()) {
      int size = partitions.peek().head().size();
      left -= size > 0 ? size : Envelopes.MAX_TASK_BYTES;
      if (left < 0 && !taken.isEmpty()) break;
      Partition first = partitions.poll();
      taken.add(first.take());
      if (first.head() != null) partitions.add(first);
    }
    return taken;
  }

  /** What the entries lead to, by the rules of listing. */
  private void judge(List<Placed> taken, Deque<TaskEnvelope> open) {
    Map<Integer, Set<String>> ids = new HashMap<>();
    for (Placed each : taken)
      ids.computeIfAbsent(each.partition().shard, shard -> new LinkedHashSet<>()).add(each.place().id());
    Map<String, TaskEnvelope> rows = store.readTasks(taskList, ids);
    for (Placed each : taken) {
      TaskEnvelope row = rows.get(each.place().id());
      OptionalLong version = row == null ? OptionalLong.empty() : Envelopes.versionOf(row);
      long savedAt = each.place().savedAt();
      // Else it is completed, or its save is still on the way.
      if (version.isEmpty() || version.getAsLong() < savedAt) continue;
      Place place = new Place(version.getAsLong(), each.place().id());
      if (place.savedAt() > savedAt && each.comesLater(place)) continue;
      if (yields(place, place.savedAt() == savedAt)) open.add(row);
    }
  }

  /** Whether a version is wanted, and has not been yielded yet. */
  private boolean yields(Place place, boolean isAtItsPlace) {
    if (place.savedAt() >= before && place.savedAt() <= bound) return false;
    boolean wasYielded = isAtItsPlace ? elsewhere.remove(place) : !elsewhere.add(place);
    // A pass that gave tasks past its bound twice might not end.
    return !wasYielded && (place.savedAt() <= bound || pastBound.add(place.id()));
  }

  /** A partition's entries in order, a page of them at hand. */
  private final class Partition {
    final int shard;
    final Deque<Segment> segments;
    Set<Place> lastPage = Set.of();
    private final Deque<Entry> entries = new ArrayDeque<>();
    private final List<Segment> all;
    private Place after = new Place(0, "");
    /** The end of a range that was too much to read, 0 if none was; and how many reads went well since. */
    private long tooFar;
    private int successes;

    Partition(int shard, long end, List<?> swept) {
      this.shard = shard;
      this.all = segments(end, swept);
      this.segments = new ArrayDeque<>(all);
      startAnew();
    }

    /** {@code swept} has the ends of ranges: after the first and before the second of each two, there is nothing to read. */
    private List<Segment> segments(long end, List<?> swept) {
      long upTo = Math.min(end, before - 1);
      List<Segment> found = new ArrayList<>();
      long from = 1;
      for (int i = 0; i + 1 < swept.size(); i += 2) {
        found.add(new Segment(from, Math.min((long) swept.get(i), upTo)));
        from = (long) swept.get(i + 1);
      }
      found.add(new Segment(from, upTo));
      found.add(new Segment(Math.max(bound, upTo) + 1, end)); // a wrong clock's tasks may be of any age
      found.removeIf(segment -> segment.from() > segment.upTo());
      return found;
    }

    final void startAnew() {
      segments.clear();
      segments.addAll(all);
      entries.clear();
      if (!segments.isEmpty()) after = new Place(segments.peek().from(), "");
    }

    /** The next entry; null at the end. */
    Entry head() {
      return entries.peek();
    }

    Placed take() {
      Placed taken = new Placed(entries.poll().place(), lastPage, this);
      if (entries.isEmpty()) fill();
      return taken;
    }

    /** Reads the rest of a page; there are no entries then at the end. */
    void fill() {
      while (entries.size() < entriesARead && !segments.isEmpty()) readOn(entriesARead - entries.size());
      Set<Place> page = new HashSet<>();
      for (Entry each : entries) page.add(each.place());
      lastPage = page;
    }

    /** If a read meets more tombstones than the server allows, it reads a part of the range, and goes on from there. */
    private void readOn(int limit) {
      long upTo = nextEnd();
      try {
        add(store.session().readRange(reading(limit)), upTo, limit);
      } catch (TooManyTombstones tooMany) {
        // A range of one microsecond can't be made smaller.
        if (upTo <= after.savedAt()) throw new StoreException(Code.UNAVAILABLE, "too many tombstones", false, tooMany);
        tooFar = upTo;
        successes = 0;
      }
    }

    Statement reading(int limit) {
      String query = "SELECT saved_at, id, size" + PARTITION + "AND (saved_at, id) > (?, ?) AND (saved_at) <= (?) LIMIT ?";
      return store.cql(query, taskList, shard, after.savedAt(), after.id(), nextEnd(), limit);
    }

    long nextEnd() {
      if (tooFar == 0) return segments.peek().upTo();
      return successes >= SUCCESSES ? tooFar : after.savedAt() + (tooFar - after.savedAt()) / 2;
    }

    void add(List<Map<String, Object>> rows, long upTo, int limit) {
      for (var row : rows) {
        Place place = new Place((long) row.get("saved_at"), (String) row.get("id"));
        entries.add(new Entry(place, row.get("size") instanceof Integer size ? size : 0));
      }
      if (rows.size() == limit) after = entries.peekLast().place();
      else reached(upTo);
    }

    /** All up to a version has been read. */
    private void reached(long upTo) {
      successes++;
      after = new Place(upTo + 1, "");
      if (upTo == tooFar) tooFar = 0;
      if (upTo != segments.peek().upTo()) return;
      segments.poll();
      tooFar = 0;
      if (!segments.isEmpty()) after = new Place(segments.peek().from(), "");
    }
  }
}
