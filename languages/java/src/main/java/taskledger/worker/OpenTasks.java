package taskledger.worker;

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
import java.util.stream.Stream;
import taskledger.v1.Envelope.TaskEnvelope;

/** One pass over a list's ledger. */
final class OpenTasks {
  static final int PAGE = 500;
  private static final String PARTITION = " FROM %s.open_tasks WHERE task_list = ? AND shard = ? ";

  /** An entry's place in a partition's ledger. */
  private record Place(long savedAt, String id) {}

  /** An entry, and those that were read with it. */
  private record Entry(Place place, Set<Place> page, Partition partition) {}

  private record Segment(long from, long upTo) {}

  private final Ledger ledger;
  private final String taskList;
  private final long bound;
  /** What was yielded away from its place: as many as tasks were overwritten meanwhile. */
  private final Set<Place> elsewhere = new HashSet<>();
  /** The ids of what was yielded past the bound: a wild clock's tasks, and those saved since. */
  private final Set<String> pastBound = new HashSet<>();

  OpenTasks(Ledger ledger, String taskList) {
    this.ledger = ledger;
    this.taskList = taskList;
    this.bound = ledger.clock().now() + 2 * ledger.clock().limit();
  }

  Stream<TaskEnvelope> stream() {
    PriorityQueue<Partition> partitions =
        new PriorityQueue<>(Comparator.comparingLong(partition -> partition.head().savedAt()));
    for (int shard = 0; shard < ledger.shards(); shard++) {
      Partition partition = new Partition(shard);
      if (partition.head() != null) partitions.add(partition);
    }
    return Stream.generate(() -> take(partitions)).takeWhile(entries -> !entries.isEmpty()).flatMap(this::judge);
  }

  private static List<Entry> take(PriorityQueue<Partition> partitions) {
    List<Entry> taken = new ArrayList<>();
    while (taken.size() < PAGE && !partitions.isEmpty()) {
      Partition first = partitions.poll();
      taken.add(first.take());
      if (first.head() != null) partitions.add(first);
    }
    return taken;
  }

  /** What the entries lead to, by the rules of listing. */
  private Stream<TaskEnvelope> judge(List<Entry> entries) {
    Map<String, TaskEnvelope> rows = rowsOf(entries);
    List<TaskEnvelope> open = new ArrayList<>();
    for (Entry entry : entries) {
      TaskEnvelope row = rows.get(entry.place().id());
      OptionalLong version = row == null ? OptionalLong.empty() : Wire.versionOf(row);
      long savedAt = entry.place().savedAt();
      // Else it is completed, or its save is still on the way.
      if (version.isEmpty() || version.getAsLong() < savedAt) continue;
      Place place = new Place(version.getAsLong(), entry.place().id());
      if (place.savedAt() > savedAt && comesLater(entry, place)) continue;
      if (yields(place, place.savedAt() == savedAt)) open.add(row);
    }
    return open.stream();
  }

  /** Whether a version has not been yielded yet. */
  private boolean yields(Place place, boolean isAtItsPlace) {
    boolean wasYielded = isAtItsPlace ? elsewhere.remove(place) : !elsewhere.add(place);
    // A pass that gave tasks past its bound twice might not end.
    return !wasYielded && (place.savedAt() <= bound || pastBound.add(place.id()));
  }

  /** Whether a version that replaced the entry's has an entry at hand. One still to be read may be swept before. */
  private static boolean comesLater(Entry entry, Place place) {
    return entry.page().contains(place) || entry.partition().lastPage.contains(place);
  }

  private Map<String, TaskEnvelope> rowsOf(List<Entry> entries) {
    Map<Integer, Set<String>> ids = new HashMap<>();
    for (Entry entry : entries)
      ids.computeIfAbsent(entry.partition().shard, shard -> new LinkedHashSet<>()).add(entry.place().id());
    Map<String, TaskEnvelope> rows = new HashMap<>();
    ids.forEach((shard, some) -> rows.putAll(ledger.readTasks(taskList, shard, List.copyOf(some))));
    return rows;
  }

  /** A partition's entries in order, a page of them at hand. */
  private final class Partition {
    final int shard;
    final long bound;
    Set<Place> lastPage;
    private final Deque<Segment> segments;
    private final Deque<Place> entries = new ArrayDeque<>();
    private Place after;

    Partition(int shard) {
      this.shard = shard;
      long end = OpenTasks.this.bound;
      var last = read("saved_at", "AND saved_at > ? ORDER BY saved_at DESC LIMIT 1", end);
      this.bound = last.isEmpty() ? end : (long) last.get(0).get("saved_at");
      this.segments = unswept();
      if (!segments.isEmpty()) after = new Place(segments.peek().from(), "");
      fill();
    }

    /** The next entry; null at the end. */
    Place head() {
      return entries.peek();
    }

    Entry take() {
      Entry taken = new Entry(entries.poll(), lastPage, this);
      if (entries.isEmpty()) fill();
      return taken;
    }

    List<Map<String, Object>> read(String columns, String condition, Object... values) {
      Object[] all = Stream.concat(Stream.of(taskList, shard), Stream.of(values)).toArray();
      return ledger.read(ledger.cql("SELECT " + columns + PARTITION + condition, all));
    }

    /** All up to the bound, without the stretches that were swept. */
    private Deque<Segment> unswept() {
      String query = "SELECT stretches FROM %s.sweeps WHERE task_list = ? AND shard = ?";
      var rows = ledger.read(ledger.cql(query, taskList, shard));
      Deque<Segment> unswept = new ArrayDeque<>();
      long from = 0;
      List<?> ends = rows.isEmpty() || rows.get(0).get("stretches") == null
          ? List.of()
          : (List<?>) rows.get(0).get("stretches");
      for (int i = 0; i + 1 < ends.size(); i += 2) {
        unswept.add(new Segment(from, Math.min((long) ends.get(i), bound)));
        from = (long) ends.get(i + 1);
      }
      unswept.add(new Segment(from, bound));
      unswept.removeIf(segment -> segment.from() > segment.upTo());
      return unswept;
    }

    /** Reads the next page; there are no entries then at the end. */
    private void fill() {
      while (entries.size() < PAGE && !segments.isEmpty()) {
        readEntries(PAGE - entries.size());
        if (entries.size() == PAGE) break;
        segments.poll();
        if (!segments.isEmpty()) after = new Place(segments.peek().from(), "");
      }
      lastPage = Set.copyOf(entries);
    }

    private void readEntries(int limit) {
      String condition = "AND (saved_at, id) > (?, ?) AND (saved_at) <= (?) LIMIT ?";
      for (var row : read("saved_at, id", condition, after.savedAt(), after.id(), segments.peek().upTo(), limit)) {
        after = new Place((long) row.get("saved_at"), (String) row.get("id"));
        entries.add(after);
      }
    }
  }
}
