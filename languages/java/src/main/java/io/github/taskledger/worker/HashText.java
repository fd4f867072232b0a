package io.github.taskledger.worker;

import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import java.io.IOException;
import java.io.StringReader;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * What must be known of a hash before protobuf reads it. It is read as protobuf does, where the last of members of one name
 * counts, but without a tree: protobuf makes one, too, and two would take more memory than the task.
 */
final class HashText {
  private static final List<String> TYPE_URL = List.of("data", "@type");

  private HashText() {}

  /** The name of the data's type. Throws INVALID_HASH for what is no JSON, has no such name or holds a lone surrogate. */
  static String dataType(String text) {
    String url;
    try {
      if (!isWellFormed(text)) throw new InvalidTaskException(Code.INVALID_HASH, "it holds a lone surrogate");
      url = textAt(reader(text), TYPE_URL);
    } catch (IOException error) {
      throw new InvalidTaskException(Code.INVALID_HASH, "no JSON", error);
    }
    if (url == null || Envelopes.typeName(url).isEmpty())
      throw new InvalidTaskException(Code.INVALID_HASH, "data[\"@type\"] must name the type of the data");
    return Envelopes.typeName(url);
  }

  /** It bounds the depth: a value is at most 255 objects and lists deep. */
  private static JsonReader reader(String text) {
    JsonReader reader = new JsonReader(new StringReader(text));
    reader.setStrictness(Strictness.LENIENT);
    return reader;
  }

  private static boolean isWellFormed(String text) throws IOException {
    JsonReader reader = reader(text);
    boolean isWellFormed = isWellFormed(reader);
    reader.setStrictness(Strictness.LEGACY_STRICT);
    reader.peek(); // throws if anything follows
    return isWellFormed;
  }

  private static boolean isWellFormed(JsonReader reader) throws IOException {
    switch (reader.peek()) {
      case STRING:
        return Envelopes.isWellFormed(reader.nextString());
      case BEGIN_ARRAY:
        return isArrayWellFormed(reader);
      case BEGIN_OBJECT:
        return isObjectWellFormed(reader);
      default:
        reader.skipValue();
        return true;
    }
  }

  private static boolean isArrayWellFormed(JsonReader reader) throws IOException {
    boolean areWellFormed = true;
    reader.beginArray();
    while (reader.hasNext()) areWellFormed &= isWellFormed(reader);
    reader.endArray();
    return areWellFormed;
  }

  private static boolean isObjectWellFormed(JsonReader reader) throws IOException {
    boolean areNames = true;
    Set<String> spoiled = Set.of(); // names whose last value so far is not well-formed
    reader.beginObject();
    while (reader.hasNext()) {
      String name = reader.nextName();
      areNames &= Envelopes.isWellFormed(name);
      boolean isValue = isWellFormed(reader);
      if (!isValue && spoiled.isEmpty()) spoiled = new HashSet<>();
      if (!isValue) spoiled.add(name);
      else if (!spoiled.isEmpty()) spoiled.remove(name);
    }
    reader.endObject();
    return areNames && spoiled.isEmpty();
  }

  /** The text at the end of a path of names; null if there is none. */
  private static String textAt(JsonReader reader, List<String> path) throws IOException {
    JsonToken token = reader.peek();
    if (path.isEmpty() && token == JsonToken.STRING) return reader.nextString();
    if (path.isEmpty() || token != JsonToken.BEGIN_OBJECT) {
      reader.skipValue();
      return null;
    }
    String text = null;
    reader.beginObject();
    while (reader.hasNext()) {
      if (reader.nextName().equals(path.get(0))) text = textAt(reader, path.subList(1, path.size()));
      else reader.skipValue();
    }
    reader.endObject();
    return text;
  }
}
