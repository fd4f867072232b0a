import { adviseOnClass, adviseOnClasses } from "../core/class-advice.js";
import { wrongType } from "../core/copies.js";
import { invalidArgument, TaskError } from "../core/errors.js";
import { adviseToAwait } from "../core/promises.js";
import { readArgument } from "../core/read-from.js";
import { isArray, readOr } from "../core/values.js";
import { Task } from "./task.js";
import type { TaskClass } from "./task-types.js";
import { noValidation, type Validation } from "./validation.js";

/** The task types that a data interface knows, by the full names of their messages. */
export class TaskTypeRegistry {
  readonly #classes = new Map<string, TaskClass<Task>>();

  /** Validation of their data beyond their schemas. */
  readonly validation: Validation;

  /** Throws DUPLICATE_TYPE for two classes of one type, TYPE_MISMATCH if one is not a task class. */
  constructor(classes: readonly TaskClass<Task>[], validation: Validation = noValidation) {
    this.validation = validation;
    if (!isArray(classes)) {
      const advice = adviseToAwait(classes) || adviseOnClasses(classes);
      throw invalidArgument("types", "an array of task classes", classes, advice);
    }
    for (let i = 0; i < classes.length; i++) {
      const field = `types[${i}]`;
      this.#add(
        readArgument(field, () => classes[i] as TaskClass<Task>),
        field,
      );
    }
  }

  get(type: string): TaskClass<Task> | undefined {
    return this.#classes.get(type);
  }

  #add(taskClass: TaskClass<Task>, field: string): void {
    if (!isTaskClass(taskClass))
      throw wrongType(taskClass, "a generated task class, or one that extends it", field, adviseOnClass(taskClass));
    const { type } = taskClass;
    const known = this.#classes.get(type);
    if (known !== undefined && known !== taskClass) {
      const message = `${type} is registered twice, as ${known.name} and as ${taskClass.name}; keep one of them`;
      throw new TaskError("DUPLICATE_TYPE", message, { field: "types" });
    }
    this.#classes.set(type, taskClass);
  }
}

function isTaskClass(value: unknown): value is TaskClass<Task> {
  return readOr(false, () => {
    if (typeof value !== "function" || !(value.prototype instanceof Task)) return false;
    const { type, schema } = value as Partial<TaskClass>;
    return typeof type === "string" && schema?.kind === "message";
  });
}
