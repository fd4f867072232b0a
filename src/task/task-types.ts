import type { DescMessage, Message, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import type { Claim } from "../claims/claim.js";
import type { MessageCodec } from "../wire/message-codec.js";

/** A generated task class, or a class that extends one. */
export interface TaskClass<T extends object = object> {
  /** The schema of the data. */
  readonly schema: DescMessage;
  /** The full name of the data's message. */
  readonly type: string;
  /** Encodes and decodes the data faster than protobuf-es, unless it was generated with `codec=off`. */
  readonly codec?: MessageCodec;
  /** The local name of the field that supplies the task list. */
  readonly listField?: string;
  /** The local name of the field that supplies the id. */
  readonly idField?: string;
  // Parameters are contravariant: any narrower type would refuse every generated class.
  // biome-ignore lint/suspicious/noExplicitAny: see above
  new (init: any, options?: BuildOptions): T;
}

/** Options of `build` and `new`. */
export interface BuildOptions {
  /** Strings that travel with the data, such as trace context. @defaultValue none */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** When the task was built. @defaultValue now */
  readonly createdAt?: Date | undefined;
}

type SchemaOf<C extends TaskClass> = C["schema"];
type ListFieldOf<C extends TaskClass> = C extends { readonly listField: infer F extends string } ? F : never;
type IdFieldOf<C extends TaskClass> = C extends { readonly idField: infer F extends string } ? F : never;

/** Any schema of a message. To see that one is a `DescMessage`, a compiler works out and compares the types of all its fields. */
export type AnySchema = Pick<DescMessage, "kind" | "typeName">;

/** The message of a schema, as `MessageShape` tells it. Of a generated schema, the compiler sees it by the name of its type. */
export type DataOf<S extends AnySchema> =
  S extends GenMessage<infer M> ? M : S extends DescMessage ? MessageShape<S> : Message;

/** What a message of a schema can be made of. */
type InitOf<S extends AnySchema> = S extends DescMessage ? MessageInitShape<S> : never;

/** The fields of a message, by their names on the message. */
type Local<S extends AnySchema> = Exclude<keyof DataOf<S>, `$${string}`>;

/** The data's fields, all optional. */
export type DataInit<S extends AnySchema> = {
  readonly [P in Local<S>]?: InitOf<S>[P & keyof InitOf<S>] | undefined;
};

/** The task's own two fields. */
export interface ListAndId {
  /** The task list: 1 to 512 bytes of UTF-8 without NUL. */
  readonly taskList: string;
  /** Unique in its list: 1 to 512 bytes of UTF-8 without NUL. @defaultValue a new UUIDv7 */
  readonly id?: string | undefined;
}

/** The task's own two fields, if a field of the data supplies the list. */
export interface OptionalListAndId {
  /** The task list. @defaultValue the value of the field that supplies it */
  readonly taskList?: string | undefined;
  /** Unique in its list. @defaultValue the value of the field that supplies it, or a new UUIDv7 */
  readonly id?: string | undefined;
}

/** The task's own two fields; the list is optional if a field of the data supplies it. */
export type KeyInit<ListField extends string> = [ListField] extends [never] ? ListAndId : OptionalListAndId;

/** Data fields named `taskList` or `id` that no option makes the task's own. */
type AmbiguousField<C extends TaskClass> = Extract<
  ("taskList" extends ListFieldOf<C> ? never : "taskList") | ("id" extends IdFieldOf<C> ? never : "id"),
  Local<SchemaOf<C>>
>;

/**
 * What `build` takes: the task's own two fields and the data's, in one object. If the data has a field `taskList` or `id`
 * of its own, that object would be ambiguous, and the type says so.
 */
export type BuildInit<C extends TaskClass> = [AmbiguousField<C>] extends [never]
  ? KeyInit<ListFieldOf<C>> & DataInit<SchemaOf<C>>
  : AmbiguousBuild<C["type"], AmbiguousField<C>>;

/** No object fits this type. The compiler's error shows its text, the same as the error at run time. */
export type AmbiguousBuild<Type extends string, Field extends string> = Field extends "id"
  ? `${Type} has a field ${Field} of its own: ${Advice} id_field`
  : `${Type} has a field ${Field} of its own: ${Advice} list_field`;

type Advice = "use `new` with `data:`, or name the field with";

/** What `new` takes: the task's own two fields, and the data by itself. */
export type TaskInit<S extends AnySchema, ListField extends string = never> = KeyInit<ListField> & {
  /** The data: its fields, or a message. @defaultValue a message in which nothing is set */
  readonly data?: DataInit<S> | DataOf<S> | undefined;
};

/** The tasks of some classes. */
export type TaskOf<C extends TaskClass> = InstanceType<C>;

/**
 * What tasks need for their work, such as a mailer. Applications add to it, and give it to their data interface:
 *
 *     declare module "taskledger" {
 *       interface Services { readonly mailer: Mailer }
 *     }
 *     new DataInterface({ types, adapter, services: { mailer } });
 */
// biome-ignore lint/suspicious/noEmptyInterface: applications add to it
export interface Services {}

/** What `execute` is given. `services` is optional unless the application has added members to {@link Services}. */
export type ExecuteContext = {
  /** Aborted when the work should stop. */
  readonly signal: AbortSignal;
  /** The claim under which the task is done, if it was claimed. */
  readonly claim?: Claim | undefined;
  /** Which attempt this is, from 1, if attempts are counted. */
  readonly attempt?: number | undefined;
} & ([keyof Services] extends [never]
  ? {
      /** What the application gave its data interface. */
      readonly services?: Services;
    }
  : {
      /** What the application gave its data interface. */
      readonly services: Services;
    });
