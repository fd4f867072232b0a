package io.github.taskledger.worker;

import com.google.protobuf.Message;
import com.google.protobuf.util.JsonFormat.TypeRegistry;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** The task types that a process knows: {@code new TaskTypes(FetchFile.getDefaultInstance())}. */
public final class TaskTypes {
  private final Map<String, Message> messages = new HashMap<>();
  private final Map<String, TypeRegistry> registries = new HashMap<>();

  /**
   * Knows the types of messages.
   *
   * @param messages one of each type, such as its default instance
   */
  public TaskTypes(Message... messages) {
    for (Message message : messages) {
      String name = message.getDescriptorForType().getFullName();
      this.messages.put(name, message);
      // Its file, and those that one imports: what JSON of such data may name in an Any.
      registries.put(name, TypeRegistry.newBuilder().add(message.getDescriptorForType()).build());
    }
  }

  Optional<Message> message(String name) {
    return Optional.ofNullable(messages.get(name));
  }

  TypeRegistry registry(String name) {
    return registries.get(name);
  }
}
